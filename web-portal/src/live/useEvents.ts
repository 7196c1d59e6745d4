/** The hook around a stream: runs while the page is looked at, and says since when what it shows is stale. */
import { useEffect, useRef, useState } from "react";
import { call } from "@/api/client";
import { Problem } from "@/api/problem";
import { follow } from "./events";

export type Live = {
  /** Milliseconds since 1970 from which on nothing new has come; none while it is live. */
  staleSince: number | undefined;
};

/** Something in a hidden page is not worth one of the browser's few connections. */
function useVisible(): boolean {
  const [visible, setVisible] = useState(() => document.visibilityState !== "hidden");
  useEffect(() => {
    const look = () => setVisible(document.visibilityState !== "hidden");
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  return visible;
}

/**
 * Follow `path`. Each event goes to `onEvent` with its name, data and id; `after` gives the id to begin behind.
 * A path of `undefined` follows nothing.
 */
export function useEvents(
  path: string | undefined,
  onEvent: (name: string, data: unknown, id: string | undefined) => void,
  after?: () => string | undefined,
): Live {
  const visible = useVisible();
  const [staleSince, setStaleSince] = useState<number>();
  const handler = useRef({ onEvent, after });
  useEffect(() => {
    handler.current = { onEvent, after };
  });
  useEffect(() => {
    if (!path || !visible) return;
    const end = new AbortController();
    follow({
      signal: end.signal,
      open: (lastId, signal) => {
        const id = lastId ?? handler.current.after?.();
        const headers: Record<string, string> = { accept: "text/event-stream" };
        if (id !== undefined) headers["last-event-id"] = id;
        return call(path, { signal, headers, cache: "no-store" });
      },
      onEvent: (event) => {
        setStaleSince(undefined);
        handler.current.onEvent(event.event ?? "message", parse(event.data), event.id);
      },
      onState: (state) => {
        if (state === "live") setStaleSince(undefined);
        if (state === "broken") setStaleSince((since) => since ?? Date.now());
      },
      isFinal: (error) => error instanceof Problem && [401, 403, 404, 410].includes(error.status),
    }).catch(() => setStaleSince((since) => since ?? Date.now()));
    return () => end.abort();
  }, [path, visible]);
  return { staleSince };
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
