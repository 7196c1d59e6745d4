/**
 * Who is logged in, as far as the page itself must know. The cookie is the server's and not readable here;
 * a token that somebody pasted is kept in memory only and is gone with the page.
 */

type Listener = () => void;

let bearer: string | undefined;
const lost = new Set<Listener>();

/** Use an API token for all calls from now on. */
export function keepToken(token: string | undefined): void {
  bearer = token;
}

/** The token in use. */
export function token(): string | undefined {
  return bearer;
}

/** Call `listener` whenever the server says that nobody is logged in; gives back how to stop. */
export function onLoggedOut(listener: Listener): () => void {
  lost.add(listener);
  return () => {
    lost.delete(listener);
  };
}

/** The server said 401. */
export function loggedOut(): void {
  bearer = undefined;
  for (const listener of lost) listener();
}

/** Only paths of this app may be gone to after a log-in: an address from outside is somebody's trick. */
export function safeNext(next: unknown): string {
  if (typeof next !== "string" || next.length > 500) return "/jobs";
  return /^\/[A-Za-z0-9_~-][^\\]*$/.test(next) && !next.startsWith("/login") ? next : "/jobs";
}
