/** Tokens of links that came by mail or were printed: read once, and out of the address bar at once. */
import { useEffect, useState } from "react";

const LENGTH_MAX = 512;

/** The `token=` of an address; empty where there is none. */
export const linkToken = (search: Record<string, unknown>): { token: string } => ({
  token: typeof search.token === "string" ? search.token.slice(0, LENGTH_MAX) : "",
});

/** The token that the page was opened with. Nobody who looks at the screen or the history finds it again. */
export function useOnce(token: string): string {
  const [kept] = useState(token);
  useEffect(() => {
    if (window.location.search !== "")
      window.history.replaceState(window.history.state, "", window.location.pathname);
  }, []);
  return kept;
}
