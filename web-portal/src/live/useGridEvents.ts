/** One stream a page of everything that concerns the account (`GET /api/v1/events`), shared by all who listen. */
import { useEffect, useRef, useSyncExternalStore } from "react";
import { type Live, useEvents } from "./useEvents";

type Listener = (name: string, data: unknown) => void;

const listeners = new Set<Listener>();
const watchers = new Set<() => void>();
let stale: number | undefined;

function setStale(since: number | undefined): void {
  if (stale === since) return;
  stale = since;
  for (const watcher of watchers) watcher();
}

/** Runs the stream; stands once, in the shell. */
export function useGridStream(on: boolean): void {
  const { staleSince } = useEvents(on ? "/api/v1/events" : undefined, (name, data) => {
    for (const listener of listeners) listener(name, data);
  });
  useEffect(() => setStale(staleSince), [staleSince]);
}

/** Hear `job`, `node` and `credits` events; says since when nothing has come, where the stream is broken. */
export function useGridEvents(onEvent: Listener): Live {
  const handler = useRef(onEvent);
  useEffect(() => {
    handler.current = onEvent;
  });
  useEffect(() => {
    const listener: Listener = (name, data) => handler.current(name, data);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  const staleSince = useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => stale,
  );
  return { staleSince };
}
