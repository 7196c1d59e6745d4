/**
 * The author's key of this browser: made here, kept here, never readable, also not by this page. It signs a module's
 * manifest; the grid and every node check that.
 */
import { blake3 } from "@noble/hashes/blake3.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { Problem } from "@/api/problem";

const DOMAIN = new TextEncoder().encode("fallow author manifest v1");
const STORE = "keys";

/** A key pair whose secret half only the browser has. */
export type AuthorKey = { pair: CryptoKeyPair; hex: string };

/** The key of an account in this browser; made where there is none. */
export async function authorKey(account: string): Promise<AuthorKey> {
  if (!globalThis.crypto?.subtle) throw unable();
  const store = await open();
  let pair = await get(store, account);
  if (!pair) {
    const made = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]).catch(() => undefined);
    if (!made) throw unable();
    pair = made as CryptoKeyPair;
    await put(store, account, pair);
  }
  const raw = await crypto.subtle.exportKey("raw", pair.publicKey);
  return { pair, hex: bytesToHex(new Uint8Array(raw)) };
}

/** What is signed: a digest of the purpose and the manifest's bytes. */
export function message(manifest: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(manifest.length), true);
  return blake3.create({ context: DOMAIN }).update(length).update(manifest).digest();
}

/** Whether a manifest is about this component and this key: what somebody else made is not signed unseen. */
export function isAbout(manifest: Uint8Array, component: string, author: string): boolean {
  return contains(manifest, hexToBytes(component)) && contains(manifest, hexToBytes(author));
}

function contains(bytes: Uint8Array, part: Uint8Array): boolean {
  for (let at = 0; at + part.length <= bytes.length; at++) {
    if (part.every((byte, n) => bytes[at + n] === byte)) return true;
  }
  return false;
}

/** The author's signature over a manifest, hexadecimal. */
export async function sign(key: AuthorKey, manifest: Uint8Array): Promise<string> {
  const signed = await crypto.subtle.sign("Ed25519", key.pair.privateKey, message(manifest) as BufferSource);
  return bytesToHex(new Uint8Array(signed));
}

function unable(): Problem {
  return new Problem({
    code: "no-keys-here",
    status: 0,
    message: "This browser cannot keep a key to sign programs with.",
    help: "Use a newer browser over https, or `fallow keygen` and `fallow submit`.",
  });
}

function open(): Promise<IDBDatabase> {
  return settle(() => {
    const request = indexedDB.open("fallow", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    return request;
  });
}

const get = (db: IDBDatabase, account: string): Promise<CryptoKeyPair | undefined> =>
  settle(() => db.transaction(STORE).objectStore(STORE).get(account));

const put = (db: IDBDatabase, account: string, pair: CryptoKeyPair): Promise<unknown> =>
  settle(() => db.transaction(STORE, "readwrite").objectStore(STORE).put(pair, account));

function settle<T>(ask: () => IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = ask();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(unable());
  });
}
