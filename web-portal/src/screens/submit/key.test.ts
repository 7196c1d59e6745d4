/** The signature that a browser makes is the one that the grid checks. */
import { bytesToHex } from "@noble/hashes/utils.js";
import { expect, test } from "vitest";
import { isAbout, message, sign } from "./key";

test("what is signed is BLAKE3 of purpose, length and bytes", async () => {
  expect(message(new Uint8Array())).toHaveLength(32);
  expect(bytesToHex(message(Uint8Array.of(1)))).not.toBe(bytesToHex(message(Uint8Array.of(1, 0))));
  const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
  const manifest = Uint8Array.of(1, 2, 3);
  const signature = await sign({ pair, hex: "" }, manifest);
  const bytes = Uint8Array.from(signature.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));
  expect(
    await crypto.subtle.verify("Ed25519", pair.publicKey, bytes, message(manifest) as BufferSource),
  ).toBe(true);
  await expect(crypto.subtle.exportKey("pkcs8", pair.privateKey)).rejects.toThrow();
});

test("a manifest about something else is not signed", () => {
  const [component, author] = ["ab".repeat(32), "cd".repeat(32)];
  const manifest = Uint8Array.from([9, ...Array(32).fill(0xab), 7, ...Array(32).fill(0xcd), 1]);
  expect(isAbout(manifest, component, author)).toBe(true);
  expect(isAbout(manifest, "ac".repeat(32), author)).toBe(false);
  expect(isAbout(manifest.subarray(0, 60), component, author)).toBe(false);
});
