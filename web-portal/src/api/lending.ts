/** Routes of devices that the server's document does not describe yet, and what a node's own page is told. */
import type { Get, None, Send } from "./coming";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];

export type Preset = "quiet" | "balanced" | "always";
/** A missing field means: as the preset says. */
export type Preferences = {
  preset?: Preset | null;
  idle_minutes?: number | null;
  hours?: boolean[] | null;
  cpu_percent?: number | null;
  busy_cpu_percent?: number | null;
  slots?: number | null;
  memory_percent_busy?: number | null;
  memory_percent_idle?: number | null;
  disk_bytes?: number | null;
  battery_stop_percent?: number | null;
  battery_resume_percent?: number | null;
  on_battery?: boolean | null;
  metered?: boolean | null;
  pause_programs?: string[] | null;
  temperature_stop_c?: number | null;
  temperature_resume_c?: number | null;
  give_back_minutes?: number | null;
};
export type NodePreferences = { local: Preferences; remote?: Preferences | null; effective: Preferences };
export type Device = Schemas["NodeInfo"] & { working?: boolean; earned_today?: number; pending?: number };
export type Takes = { who: "own" | "groups" | "anyone"; not_authors: string[]; not_modules: string[] };
export type NodeEarnings = { today: number; verified: number; pending: number };
export type Doing = { job_name: string; module: string; own: boolean; units: number };
export type Machine = {
  os: string;
  arch: string;
  cpu: string;
  cores: number;
  memory_bytes: number;
  disk_bytes: number;
  version: string;
};
export type NodeDetail = {
  info: Device;
  machine: Machine;
  doing: Doing[];
  preferences: NodePreferences;
  takes: Takes;
  joined_at_ms: number;
  earnings: NodeEarnings;
  pause?: { since_ms: number; until_ms?: number | null; finish: boolean } | null;
};
export type Interval = {
  from_ms: number;
  to_ms: number;
  state: "offline" | "idle" | "working" | "paused";
  reason?: string | null;
};
export type Availability = {
  weeks_milli: number;
  cells: { seen_s: number; here_permille: number; working_permille: number }[];
};
export type EarningsDay = { day_ms: number; paid: number; checks: number; held: number };
export type PauseNode = { for_s?: number; finish?: boolean };

type Id = { path: { id: string } };
type Offset = { utc_offset_min: number };

export interface Lending {
  "/api/v1/nodes/{id}": {
    get: Get<NodeDetail, Id>;
    patch: Send<{ name: string }, NodeDetail, Id>;
    delete: paths["/api/v1/nodes/{id}"]["delete"];
  };
  "/api/v1/nodes/{id}/intervals": {
    get: Get<{ items: Interval[] }, Id & { query: { from_ms: number; to_ms: number } }>;
  };
  "/api/v1/nodes/{id}/availability": { get: Get<Availability, Id & { query: Offset }> };
  "/api/v1/nodes/{id}/earnings": {
    get: Get<{ items: EarningsDay[] }, Id & { query: Offset & { days: number } }>;
  };
  "/api/v1/nodes/{id}/pause": { post: Send<PauseNode, NodeDetail, Id> };
  "/api/v1/nodes/{id}/resume": { post: Get<NodeDetail, Id> };
  "/api/v1/nodes/{id}/preferences": { put: Send<Preferences, NodeDetail, Id> };
  "/api/v1/nodes/{id}/takes": { put: Send<Takes, NodeDetail, Id> };
  "/api/v1/reports": { post: Send<{ module?: string; job?: string; text: string }, None> };
}

/** A node's own page: `GET /api/status`. */
export type NodeStatus = {
  name: string;
  node: string;
  grid: string;
  url: string;
  owner?: string | null;
  state: "working" | "idle" | "paused" | "offline" | "finishing";
  reason?: string | null;
  until_ms?: number | null;
  slots: number;
  units: RunningUnit[];
  today?: { paid?: number; today?: number; verified?: number; pending?: number } | null;
  version: string;
};
export type RunningUnit = {
  job_name: string;
  own: boolean;
  stage: number;
  seq: number;
  progress_milli?: number | null;
  started_at_ms: number;
  memory_bytes?: number | null;
};
export type EarningsReport = { credits: boolean; sums: NodeEarnings; days: EarningsDay[] };
