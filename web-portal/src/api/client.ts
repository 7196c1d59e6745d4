/** The only door to the server: typed calls, credentials, and problems instead of bare failures. */
import createFetchClient, { type Middleware } from "openapi-fetch";
import createQueryClient from "openapi-react-query";
import type { Routes } from "./coming";
import { asProblem, problemOf } from "./problem";
import { loggedOut, token } from "./session";

const UNSAFE = new Set(["POST", "PUT", "PATCH", "DELETE"]);
/** A 401 of these is an answer about a password, not the end of a session. */
const LOG_INS = /\/api\/v1\/(session|confirm|password\/|device\/token|session\/link)/;

/** Headers that every call carries, also those that do not go through the typed client. */
export function credentials(method: string): Record<string, string> {
  const headers: Record<string, string> = {};
  const bearer = token();
  if (bearer) headers.authorization = `Bearer ${bearer}`;
  if (UNSAFE.has(method)) headers["x-fallow-csrf"] = "1";
  return headers;
}

/** Throws the problem that a response tells of. */
export async function check(response: Response): Promise<Response> {
  if (response.ok) return response;
  if (response.status === 401 && !LOG_INS.test(response.url)) loggedOut();
  const body = await response.json().catch(() => undefined);
  throw problemOf(response.status, body, response.headers.get("retry-after"));
}

/** A call outside of the typed client: bytes, streams. */
export async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  for (const [name, value] of Object.entries(credentials(init.method ?? "GET"))) headers.set(name, value);
  try {
    return await check(await fetch(path, { ...init, headers, credentials: "same-origin" }));
  } catch (error) {
    throw init.signal?.aborted ? error : asProblem(error);
  }
}

const door: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(credentials(request.method))) request.headers.set(name, value);
    return request;
  },
  async onResponse({ response }) {
    await check(response);
    return response;
  },
  onError: ({ error }) => asProblem(error),
};

export const api = createFetchClient<Routes>({ baseUrl: "", credentials: "same-origin" });
api.use(door);

/** Hooks of the same: `$api.useQuery("get", "/api/v1/jobs", …)`. */
export const $api = createQueryClient(api);
