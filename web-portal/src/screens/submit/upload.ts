/** Files to the grid: hashed in a worker, then sent in pieces from where the grid has them, and again after a break. */
import { api, call } from "@/api/client";
import { asProblem, Problem } from "@/api/problem";
import type { HashAnswer } from "./hash.worker";

const PIECE_BYTES = 8 << 20;
/** Tries in a row without a byte more at the grid. */
const TRIES_MAX = 6;

export type Step = { step: "hashing" | "sending"; done: number };

/** Upload a file; its digest. What the grid has already is not sent. */
export async function upload(file: File, onStep: (step: Step) => void, signal: AbortSignal): Promise<string> {
  const digest = await digestOf(file, (done) => onStep({ step: "hashing", done }), signal);
  let state = await stateOf(digest);
  for (let tries = 0; !state.complete; ) {
    onStep({ step: "sending", done: state.received });
    const before = state.received;
    try {
      state = await send(file, digest, before, signal);
    } catch (error) {
      const problem = asProblem(error);
      if (signal.aborted || !worthAnotherTry(problem) || tries >= TRIES_MAX) throw error;
      await new Promise((done) => setTimeout(done, 300 * 2 ** tries));
      state = await stateOf(digest);
    }
    tries = state.received > before ? 0 : tries + 1;
    if (tries > TRIES_MAX) {
      throw new Problem({
        code: "upload-stuck",
        status: 0,
        message: "The grid takes no more bytes of this file.",
        help: "Try again later.",
      });
    }
  }
  onStep({ step: "sending", done: file.size });
  return digest;
}

const worthAnotherTry = ({ status, code }: Problem) =>
  status === 0 || status >= 500 || status === 429 || code === "upload-offset" || code === "upload-busy";

async function stateOf(digest: string): Promise<{ received: number; complete: boolean }> {
  const { data } = await api.GET("/api/v1/blobs/{digest}/upload", { params: { path: { digest } } });
  if (!data) throw new TypeError("no answer");
  return data;
}

async function send(file: File, digest: string, offset: number, signal: AbortSignal) {
  const piece = file.slice(offset, offset + PIECE_BYTES);
  const response = await call(`/api/v1/blobs/${digest}?offset=${offset}&len=${file.size}`, {
    method: "PATCH",
    body: piece,
    signal,
    headers: { "content-type": "application/octet-stream" },
  });
  return (await response.json()) as { received: number; complete: boolean };
}

/** BLAKE3 of a file, hexadecimal. */
export function digestOf(file: File, onDone: (bytes: number) => void, signal: AbortSignal): Promise<string> {
  const worker = new Worker(new URL("./hash.worker.ts", import.meta.url), { type: "module" });
  return new Promise<string>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    worker.onerror = () => reject(new Error("this browser cannot hash the file"));
    worker.onmessage = ({ data }: MessageEvent<HashAnswer>) => {
      if ("done" in data) onDone(data.done);
      else if ("digest" in data) resolve(data.digest);
      else reject(new Error(`the file cannot be read: ${data.failed}`));
    };
    worker.postMessage(file);
  }).finally(() => worker.terminate());
}
