/** Short names for what the API sends of devices, and what a node's own page is told. */
import type { components } from "./schema";

type Schemas = components["schemas"];

type All = Schemas["Preferences"];
/** A missing field means: as the preset says. */
export type Preferences = { [field in keyof All]?: All[field] | null };
export type Preset = NonNullable<Preferences["preset"]>;
/** `effective` is the owner's word at the computer, then the portal's, then the preset. */
export type NodePreferences = { local: Preferences; remote?: Preferences | null; effective: Preferences };
export type Device = Schemas["NodeInfo"];
export type Takes = Schemas["Takes"];
export type Doing = Schemas["Doing"];
export type NodeDetail = Schemas["NodeDetail"];
export type Interval = Schemas["Interval"];
export type Availability = Schemas["Availability"];
export type EarningsDay = Schemas["EarningsDay"];
export type EarningsReport = Schemas["EarningsReport"];
export type PauseNode = { for_s?: number; finish?: boolean };

/** A node's own page: `GET /api/status`. */
export type NodeStatus = {
  name: string;
  node: string;
  grid: string;
  url: string;
  owner: string;
  state: "working" | "idle" | "paused" | "offline" | "finishing";
  reason?: string | null;
  until_ms?: number | null;
  slots: number;
  units: RunningUnit[];
  takes_strangers: boolean;
  units_done: number;
  version: string;
};
export type RunningUnit = {
  job_name: string;
  own: boolean;
  stage: number;
  seq: number;
  progress_milli?: number | null;
  started_at_ms: number;
};
/** `GET /api/history`, newest first. */
export type Happened = { at_ms: number; what: string; why?: string | null };
/** `GET /api/limits`. */
export type NodeLimits = {
  runs: string;
  reaches: string;
  slots: number;
  memory_bytes: number;
  disk_bytes?: number | null;
  priority: string;
};
/** What the computer tells of itself, in `GET /api/preferences`. */
export type Observation = {
  on_battery?: boolean | null;
  charge_percent?: number | null;
  temperature_c?: number | null;
  others_cpu_percent?: number | null;
  idle_s?: number | null;
  metered?: boolean | null;
  programs?: string[];
};
