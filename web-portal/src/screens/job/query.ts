/** What the page of a job asks, follows and does. */
import { useEffect, useMemo, useState } from "react";
import { $api, api, call } from "@/api/client";
import type { Job, UnitDetail } from "@/api/types";
import { queries } from "@/app/Providers";
import { useEvents } from "@/live/useEvents";
import { type MapChange, UnitMap } from "@/pictures/map/model";

/** Between two questions for what the stream does not tell, milliseconds. */
const PANELS_MS = 10_000;

const at = (id: string) => ({ params: { path: { id } } });
const jobKey = (id: string) => $api.queryOptions("get", "/api/v1/jobs/{id}", at(id)).queryKey;

/** Whether something that came over a stream is a job. */
export function isJob(data: unknown): data is Job {
  const job = data as Partial<Job> | null | undefined;
  return (
    typeof job === "object" && job !== null && typeof job.id === "string" && typeof job.counts === "object"
  );
}

function isChange(data: unknown): data is MapChange {
  const change = data as Partial<MapChange> | null | undefined;
  return typeof change === "object" && change !== null && Array.isArray(change.runs);
}

export type LiveJob = {
  job: ReturnType<typeof useJob>;
  map: UnitMap;
  /** Why there is no map, where there is none. */
  mapError: unknown;
  /** Whether the map's bytes are there. */
  mapReady: boolean;
  staleSince: number | undefined;
  /** Units a second as they were told, newest last. */
  rates: readonly number[];
};

export const useJob = (id: string) => $api.useQuery("get", "/api/v1/jobs/{id}", at(id));

/** A job with its map, both kept current by the job's own stream. */
export function useLiveJob(id: string): LiveJob {
  const job = useJob(id);
  const { map, ready, error, reload } = useMap(id);
  const [rates, setRates] = useState<readonly number[]>([]);
  const goesOn = job.data !== undefined && !["done", "failed", "cancelled"].includes(job.data.phase);
  const path = ready && goesOn ? `/api/v1/jobs/${encodeURIComponent(id)}/events` : undefined;
  const { staleSince } = useEvents(
    path,
    (name, data) => {
      if (name === "job" && isJob(data)) {
        // What a stream tells has no submission; what was asked for has.
        queries.setQueryData<Job>(jobKey(id), (old) => ({ ...old, ...data }));
        setRates((before) => [...before.slice(-119), data.rate_milli / 1000]);
      }
      if (name === "map" && isChange(data)) {
        try {
          map.apply(data);
        } catch {
          reload();
        }
      }
      if (name === "reset") reload();
    },
    () => String(map.version),
  );
  return { job, map, mapError: error, mapReady: ready, staleSince: goesOn ? staleSince : undefined, rates };
}

/** The map's bytes: asked for once, and again whenever the stream says that it has lost count. */
function useMap(id: string) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: another job has another map
  const map = useMemo(() => new UnitMap(), [id]);
  const [state, setState] = useState<{ ready: boolean; error: unknown }>({ ready: false, error: undefined });
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another round asks again
  useEffect(() => {
    const end = new AbortController();
    const load = async () => {
      const response = await call(`/api/v1/jobs/${encodeURIComponent(id)}/map`, { signal: end.signal });
      map.load(new Uint8Array(await response.arrayBuffer()));
      setState({ ready: true, error: undefined });
    };
    load().catch((error) => {
      if (!end.signal.aborted) setState((before) => ({ ready: before.ready, error }));
    });
    return () => end.abort();
  }, [id, map, round]);
  return { map, ...state, reload: () => setRound((n) => n + 1) };
}

const often = (goesOn: boolean) => ({
  refetchInterval: goesOn ? PANELS_MS : (false as const),
  staleTime: 2000,
});

export const useErrors = (id: string, goesOn: boolean) =>
  $api.useQuery("get", "/api/v1/jobs/{id}/errors", at(id), often(goesOn));
export const useNodes = (id: string, goesOn: boolean) =>
  $api.useQuery("get", "/api/v1/jobs/{id}/nodes", at(id), often(goesOn));
export const useTimeline = (id: string, goesOn: boolean) =>
  $api.useQuery("get", "/api/v1/jobs/{id}/timeline", at(id), often(goesOn));
export const usePreview = (id: string, goesOn: boolean) =>
  $api.useQuery("get", "/api/v1/jobs/{id}/preview", at(id), often(goesOn));
export const useExplain = (id: string, waits: boolean) =>
  $api.useQuery("get", "/api/v1/jobs/{id}/explain", at(id), { ...often(true), enabled: waits });

/** Names of one's own nodes, whose ids the API tells; strangers' pseudonyms stay what they are. */
export function useNodeName(): (node: string | null | undefined) => string | undefined {
  const { data } = $api.useQuery(
    "get",
    "/api/v1/nodes",
    { params: { query: { limit: 1000 } } },
    { staleTime: 60_000 },
  );
  return (node) => data?.items.find(({ id }) => id === node)?.name ?? node ?? undefined;
}

/** A unit, for its words on the map and for its log. */
export const unitOptions = (id: string, stage: number, seq: number) =>
  $api.queryOptions("get", "/api/v1/jobs/{id}/units/{stage}/{seq}", { params: { path: { id, stage, seq } } });
export const loadUnit = (id: string, stage: number, seq: number): Promise<UnitDetail> =>
  queries.fetchQuery({ ...unitOptions(id, stage, seq), staleTime: 3000 });

async function then(id: string, change: Promise<{ data?: unknown }>): Promise<void> {
  const { data } = await change;
  if (isJob(data)) queries.setQueryData<Job>(jobKey(id), (old) => ({ ...old, ...data }));
  void queries.invalidateQueries({ queryKey: ["get", "/api/v1/jobs"] });
  void queries.invalidateQueries({ queryKey: ["get", "/api/v1/credits"] });
}

export const cancelJob = (id: string) => then(id, api.POST("/api/v1/jobs/{id}/cancel", at(id)));
export const retryJob = (id: string) => then(id, api.POST("/api/v1/jobs/{id}/retry", at(id)));
/** Give a job more to spend, micro-credits. The key makes a repeat harmless. */
export const topUp = (id: string, amount: number, key: string) =>
  then(
    id,
    api.POST("/api/v1/jobs/{id}/budget", {
      params: { path: { id }, header: { "idempotency-key": key } },
      body: { amount },
    }),
  );
