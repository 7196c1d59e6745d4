/** What this node does, and what it is told to do. */
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import type {
  EarningsReport,
  Happened,
  NodeLimits,
  NodePreferences,
  NodeStatus,
  Observation,
  PauseNode,
  Preferences,
} from "@/api/lending";
import { Problem } from "@/api/problem";
import { queries } from "@/app/Providers";
import { follow } from "@/live/events";
import { call, get, send } from "./api";

const LOOK_MS = 5_000;

/** The node's state, told at each change; where the stream breaks, since when nothing has come. */
export function useStatus() {
  const query = useQuery({
    queryKey: ["status"],
    queryFn: () => get<NodeStatus>("/api/status"),
    refetchInterval: LOOK_MS,
  });
  const [staleSince, setStaleSince] = useState<number>();
  useEffect(() => {
    const end = new AbortController();
    follow({
      signal: end.signal,
      open: (_, signal) => call("/api/events", { signal, headers: { accept: "text/event-stream" } }),
      onEvent: ({ event, data }) => {
        if (event !== "status") return;
        setStaleSince(undefined);
        queries.setQueryData(["status"], JSON.parse(data) as NodeStatus);
      },
      onState: (state) => {
        if (state === "live") setStaleSince(undefined);
        if (state === "broken") setStaleSince((since) => since ?? Date.now());
      },
      isFinal: (error) => error instanceof Problem && error.status === 401,
    }).catch(() => {});
    return () => end.abort();
  }, []);
  return { query, staleSince };
}

/** One deed at a time; what it answers is shown at once. */
export function useDeeds() {
  const [busy, setBusy] = useState<string>();
  const [error, setError] = useState<unknown>();
  const running = useRef(false);
  const act = useCallback(async (name: string, path: string, body?: PauseNode) => {
    if (running.current) return;
    running.current = true;
    setBusy(name);
    setError(undefined);
    try {
      queries.setQueryData(["status"], await send<NodeStatus>("POST", path, body));
      void queries.invalidateQueries({ queryKey: ["history"] });
    } catch (failed) {
      setError(failed);
    } finally {
      running.current = false;
      setBusy(undefined);
    }
  }, []);
  return {
    busy,
    error,
    pause: (how: PauseNode) => act(how.for_s ? "hours" : how.finish ? "finish" : "pause", "/api/pause", how),
    resume: () => act("resume", "/api/resume"),
  };
}

export type Chosen = NodePreferences & { seen?: Observation };

export const usePreferences = () =>
  useQuery({
    queryKey: ["preferences"],
    queryFn: () => get<Chosen>("/api/preferences"),
    refetchInterval: LOOK_MS,
  });

export async function choose(preferences: Preferences): Promise<void> {
  queries.setQueryData(["preferences"], await send<Chosen>("PUT", "/api/preferences", preferences));
}

export const useEarnings = () =>
  useQuery({
    queryKey: ["earnings"],
    queryFn: () =>
      get<EarningsReport>(`/api/earnings?days=14&utc_offset_min=${-new Date().getTimezoneOffset()}`),
    refetchInterval: 60_000,
    retry: false,
  });

export const useHistory = () =>
  useQuery({
    queryKey: ["history"],
    queryFn: () => get<{ items: Happened[] }>("/api/history"),
    refetchInterval: 15_000,
  });

export const useLog = (on: boolean) =>
  useQuery({
    queryKey: ["log"],
    queryFn: () => get<{ lines: string[] }>("/api/log?lines=300"),
    refetchInterval: 3_000,
    enabled: on,
  });

export const useLimits = () =>
  useQuery({ queryKey: ["limits"], queryFn: () => get<NodeLimits>("/api/limits") });
