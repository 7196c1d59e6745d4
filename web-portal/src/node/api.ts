/** The only door to this node: its own small server on this computer, with the token of the link. */
import { Problem, sentence, unreachable } from "@/api/problem";

const KEY = "fallow-node-token";
let kept: string | undefined;

/** The token of `#token=…`. Pure. */
export function tokenOf(hash: string): string | undefined {
  const token = new URLSearchParams(hash.replace(/^#/, "")).get("token") ?? "";
  return /^[A-Za-z0-9_-]{8,200}$/.test(token) ? token : undefined;
}

/** Take the token out of the address bar; it stays in this tab's memory, also when the page is loaded again. */
export function takeToken(): void {
  const given = tokenOf(window.location.hash);
  try {
    kept = given ?? sessionStorage.getItem(KEY) ?? undefined;
    if (given) sessionStorage.setItem(KEY, given);
  } catch {
    kept = given; // storage can be forbidden
  }
  if (window.location.hash) window.history.replaceState(null, "", window.location.pathname);
}

export const hasToken = (): boolean => kept !== undefined;

/** A call with the token; throws the problem that a refusal tells of. */
export async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${kept ?? ""}`);
  const response = await fetch(path, { ...init, headers, cache: "no-store" }).catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    throw away();
  });
  if (response.ok) return response;
  const body = (await response.json().catch(() => undefined)) as { error?: unknown } | undefined;
  const said = typeof body?.error === "string" ? body.error : undefined;
  throw new Problem({
    code: response.status === 401 ? "token" : `http-${response.status}`,
    status: response.status,
    message: sentence((said ?? `the node refused this (status ${response.status})`).slice(0, 2000)),
  });
}

function away(): Problem {
  const { code, status } = unreachable();
  return new Problem({
    code,
    status,
    message: "The node does not answer.",
    help: "It may have been stopped: `fallow-node run` starts it, `fallow-node page` gives a new link.",
  });
}

export async function get<T>(path: string): Promise<T> {
  return (await call(path)).json();
}

export async function send<T>(method: "POST" | "PUT", path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "content-type": "application/json" };
  }
  return (await call(path, init)).json();
}
