/** Streams against a real server on a free port that breaks off when it likes. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { follow, pauseMs } from "./events";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse, n: number) => void) {
  let n = 0;
  const server = createServer((request, response) => answer(request, response, n++));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const open = (url: string) => (lastId: string | undefined, signal: AbortSignal) =>
  fetch(url, { signal, headers: lastId === undefined ? {} : { "last-event-id": lastId } });

test("a stream that breaks off is taken up behind its last event", async () => {
  const asked: (string | undefined)[] = [];
  const url = await serve((request, response, n) => {
    asked.push(request.headers["last-event-id"] as string | undefined);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`id: ${n * 2 + 1}\ndata: a${n}\n\nid: ${n * 2 + 2}\nevent: map\nda`);
    response.write(`ta: b${n}\n\nid: 99\ndata: never`);
    response.end();
  });
  const end = new AbortController();
  const got: string[] = [];
  await follow({
    open: open(url),
    signal: end.signal,
    pauseFirstMs: 1,
    onEvent: (event) => {
      got.push(`${event.id} ${event.event ?? "message"} ${event.data}`);
      if (got.length === 6) end.abort();
    },
  });
  expect(got).toEqual(["1 message a0", "2 map b0", "3 message a1", "4 map b1", "5 message a2", "6 map b2"]);
  expect(asked).toEqual([undefined, "2", "4"]);
});

test("silence for too long is a broken stream", async () => {
  const end = new AbortController();
  const states: string[] = [];
  const url = await serve((_request, response, n) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(n === 0 ? ": hello\n\n" : "data: back\n\n");
  });
  await follow({
    open: open(url),
    signal: end.signal,
    pauseFirstMs: 1,
    silenceMaxMs: 200,
    onState: (state) => states.push(state),
    onEvent: () => end.abort(),
  });
  expect(states).toContain("broken");
  expect(states.at(-1)).toBe("live");
});

test("a refusal ends it where the caller says so", async () => {
  const url = await serve((_request, response) => {
    response.writeHead(404).end();
  });
  const refused = async (lastId: string | undefined, signal: AbortSignal) => {
    const response = await open(url)(lastId, signal);
    if (!response.ok) throw new RangeError(String(response.status));
    return response;
  };
  const stream = follow({
    open: refused,
    signal: new AbortController().signal,
    onEvent: () => {},
    isFinal: (error) => error instanceof RangeError,
  });
  await expect(stream).rejects.toThrow("404");
});

test("pauses grow, have a limit, and differ from page to page", () => {
  expect([1, 2, 3, 4].map((n) => pauseMs(n, 1))).toEqual([500, 1000, 2000, 4000]);
  expect(pauseMs(1000, 1)).toBe(20_000);
  expect(pauseMs(3, 0)).toBe(1000);
});
