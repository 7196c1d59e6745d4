/** BLAKE3 of a file, piece by piece, beside the page: it must not stall while gigabytes are read. */
import { blake3 } from "@noble/hashes/blake3.js";
import { bytesToHex } from "@noble/hashes/utils.js";

const PIECE_BYTES = 4 << 20;

export type HashAnswer = { done: number } | { digest: string } | { failed: string };

const tell = (answer: HashAnswer) => postMessage(answer);

addEventListener("message", async (event: MessageEvent<File>) => {
  try {
    const file = event.data;
    const hash = blake3.create({});
    for (let at = 0; at < file.size; at += PIECE_BYTES) {
      hash.update(new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer()));
      tell({ done: Math.min(file.size, at + PIECE_BYTES) });
    }
    tell({ digest: bytesToHex(hash.digest()) });
  } catch (error) {
    tell({ failed: error instanceof Error ? error.message : String(error) });
  }
});
