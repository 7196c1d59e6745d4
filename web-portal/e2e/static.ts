/**
 * A small server of the built portal with the policy of the real one, and an API as a test gives it: for measuring
 * with maps that no real grid here could fill.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, resolve } from "node:path";

const TYPES: Record<string, string> = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** The portal's policy; `nonce` is fresh in every answer. */
export const policy = (nonce: string): string =>
  `default-src 'none'; script-src 'self' 'nonce-${nonce}'; style-src 'self' 'nonce-${nonce}'; img-src 'self' blob:; ` +
  "font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Answers a request of the API; false where it knows none. */
export type Api = (request: IncomingMessage, response: ServerResponse, url: URL) => boolean;

export class StaticServer {
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(api: Api, folder = "dist"): Promise<StaticServer> {
    const root = resolve(import.meta.dirname, "..", folder);
    const server = createServer((request, response) => {
      answer(root, api, request, response).catch(() => response.writeHead(500).end());
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return new StaticServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  stop(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(() => done()));
  }
}

async function answer(
  root: string,
  api: Api,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname.startsWith("/api/")) {
    if (!api(request, response, url)) problem(response, 404, "not-found", `there is no ${url.pathname}`);
    return;
  }
  if (url.pathname.startsWith("/assets/")) {
    const file = join(root, normalize(url.pathname));
    const body = file.startsWith(root) ? await readFile(file).catch(() => undefined) : undefined;
    if (!body) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "cache-control": "public, max-age=31536000, immutable",
    });
    response.end(body);
    return;
  }
  const nonce = randomBytes(18).toString("base64");
  const page = await readFile(join(root, "index.html"), "utf8");
  response.writeHead(200, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy(nonce),
  });
  response.end(page.replaceAll("__CSP_NONCE__", nonce));
}

export function json(response: ServerResponse, body: unknown, status = 200): true {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
  return true;
}

export function problem(response: ServerResponse, status: number, type: string, detail: string): void {
  response.writeHead(status, { "content-type": "application/problem+json" });
  response.end(JSON.stringify({ type, title: type, status, detail }));
}
