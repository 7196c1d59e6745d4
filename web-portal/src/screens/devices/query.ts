/** A lender's devices: what they do, what they earn, what they may. */
import { $api, api } from "@/api/client";
import type { Interval, NodeDetail, PauseNode, Preferences, Takes } from "@/api/lending";
import { queries } from "@/app/Providers";
import { useGridEvents } from "@/live/useGridEvents";

const LIST = "/api/v1/nodes";
const ONE = "/api/v1/nodes/{id}";
/** Where no stream is, a look now and then. */
const LOOK_MS = 15_000;

export function useDevices() {
  const query = $api.useQuery(
    "get",
    LIST,
    { params: { query: { limit: 1000 } } },
    { refetchInterval: LOOK_MS },
  );
  const live = useGridEvents((name) => {
    if (name === "node") void queries.invalidateQueries({ queryKey: ["get", LIST] });
  });
  return { query, live };
}

const path = (id: string) => ({ params: { path: { id } } });
const offset = () => -new Date().getTimezoneOffset();

export function useDevice(id: string) {
  const query = $api.useQuery("get", ONE, path(id), { refetchInterval: LOOK_MS });
  const live = useGridEvents((name, data) => {
    if (name === "node" && (data as { id?: string } | undefined)?.id === id)
      void queries.invalidateQueries({ queryKey: ["get", ONE, path(id)] });
  });
  return { query, live };
}

const DAY_MS = 86_400_000;
/** Half a minute more or less is no other strip. */
const STEP_MS = 30_000;

/** The last 24 hours; `now` in milliseconds. */
export function useIntervals(id: string, now: number) {
  const to_ms = Math.ceil(now / STEP_MS) * STEP_MS;
  const from_ms = to_ms - DAY_MS;
  const query = $api.useQuery(
    "get",
    "/api/v1/nodes/{id}/intervals",
    { params: { path: { id }, query: { from_ms, to_ms } } },
    { placeholderData: (before: { items: Interval[] } | undefined) => before },
  );
  return { query, from_ms, to_ms };
}

export const useAvailability = (id: string) =>
  $api.useQuery(
    "get",
    "/api/v1/nodes/{id}/availability",
    { params: { path: { id }, query: { utc_offset_min: offset() } } },
    { staleTime: 300_000 },
  );

export const useEarnings = (id: string) =>
  $api.useQuery(
    "get",
    "/api/v1/nodes/{id}/earnings",
    { params: { path: { id }, query: { days: 14, utc_offset_min: offset() } } },
    { refetchInterval: 60_000 },
  );

/** A device's detail is put in place as soon as the server has answered. */
function put(id: string, detail: NodeDetail | undefined): void {
  if (detail) queries.setQueryData(["get", ONE, path(id)], detail);
  void queries.invalidateQueries({ queryKey: ["get", LIST] });
}

export async function pause(id: string, how: PauseNode): Promise<void> {
  const { data } = await api.POST("/api/v1/nodes/{id}/pause", {
    ...path(id),
    body: { for_s: how.for_s ?? null, finish: how.finish ?? false },
  });
  put(id, data);
}

export async function resume(id: string): Promise<void> {
  const { data } = await api.POST("/api/v1/nodes/{id}/resume", path(id));
  put(id, data);
}

export async function rename(id: string, name: string): Promise<void> {
  const { data } = await api.PATCH("/api/v1/nodes/{id}", { ...path(id), body: { name } });
  put(id, data);
}

export async function allow(id: string, preferences: Preferences): Promise<void> {
  const { data } = await api.PUT("/api/v1/nodes/{id}/preferences", {
    ...path(id),
    body: preferences as Required<Preferences>,
  });
  put(id, data);
}

export async function take(id: string, takes: Takes): Promise<void> {
  const { data } = await api.PUT("/api/v1/nodes/{id}/takes", { ...path(id), body: takes });
  put(id, data);
}

export async function remove(id: string): Promise<void> {
  await api.DELETE("/api/v1/nodes/{id}", path(id));
  void queries.invalidateQueries({ queryKey: ["get", LIST] });
}

export async function report(module: string, text: string): Promise<void> {
  await api.POST("/api/v1/reports", { body: { module, text } });
}
