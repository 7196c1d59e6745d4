/**
 * Routes that the pages use and the server's document does not describe yet, in the form that
 * `openapi-typescript` gives them. A route leaves this file when it comes into `schema.d.ts`.
 */
import type { Operating } from "./operating";
import type { People } from "./people";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type Page<T> = { items: T[]; next?: string | null };

type Answer<T> = { headers: { [name: string]: unknown }; content: { "application/json": T } };
type Wrong = {
  headers: { [name: string]: unknown };
  content: { "application/problem+json": Schemas["Problem"] };
};
export type Params<P> = Omit<{ query?: never; header?: never; path?: never; cookie?: never }, keyof P> & P;
export type Get<Out, P = unknown> = {
  parameters: Params<P>;
  requestBody?: never;
  responses: { 200: Answer<Out>; default: Wrong };
};
export type Send<Body, Out, P = unknown> = {
  parameters: Params<P>;
  requestBody: { content: { "application/json": Body } };
  responses: { 200: Answer<Out>; default: Wrong };
};
export type None = Record<string, never>;
type Id = { path: { id: string } };
export type Paged = { query?: { cursor?: string; limit?: number } };

export type ErrorGroup = {
  class: string;
  message: string;
  count: number;
  units: number;
  state: "failed" | "left_out" | "again";
  example: { stage: number; seq: number; attempt: number };
  help?: string | null;
};
export type NodeAtWork = { name: string; own: boolean; units: number; done: number; since_ms: number };
export type Timeline = {
  bucket_ms: number;
  from_ms: number;
  done: number[];
  failed: number[];
  events: { at_ms: number; text: string }[];
};
export type Attempt = {
  attempt: number;
  node?: string | null;
  outcome?: Schemas["Outcome"] | null;
  fuel: number;
  wall_us: number;
  memory_bytes: number;
  ended_at_ms?: number | null;
  verdict?: string | null;
};
export type UnitDetail = {
  unit: Schemas["UnitInfo"];
  input_bytes: number;
  attempts: Attempt[];
  log?: string | null;
  message?: string | null;
};
export type PreviewFile = { index: number; name: string; bytes: number; kind: string };
export type Preview = {
  kind: "text" | "table" | "image" | "files" | "none";
  complete: boolean;
  units_done: number;
  text?: string | null;
  columns?: string[] | null;
  rows?: string[][] | null;
  files?: PreviewFile[] | null;
};
export type ProjectInfo = {
  name: string;
  jobs: number;
  running: number;
  done: number;
  failed: number;
  spent: number;
  last_at_ms: number;
};
export type ModuleListed = {
  module: string;
  component: string;
  name: string;
  bytes: number;
  exports: Schemas["Exports"];
  limits: Schemas["Limits"];
  created_at_ms: number;
  jobs: number;
  suspended?: string | null;
};
export type ModuleDraft = { manifest: string };
export type JobDraft = {
  units: { count: number; exact: boolean };
  first: { seq: number; bytes: number; text?: string | null }[];
  price: {
    per_unit?: number | null;
    total_from?: number | null;
    total_to?: number | null;
    budget_suggested?: number | null;
  };
  seconds: { from?: number | null; to?: number | null };
  problems: { field: string; text: string }[];
};
export type Submission = Schemas["JobSubmission"] & { project?: string | null };
export type Job = Omit<Schemas["JobInfo"], "eta_s"> & {
  /** From and to, seconds. */
  eta_s?: number[] | null;
  project?: string | null;
};
export type Me = Schemas["Me"] & {
  email?: string | null;
  email_confirmed?: boolean;
  totp?: boolean;
  has_password?: boolean;
  session?: boolean;
  suspended?: { reason: string } | null;
};

export interface Coming {
  "/api/v1/me": { get: Get<Me>; patch: Send<{ name?: string }, Me> };
  "/api/v1/session": {
    post: Send<{ login: string; password: string; code?: string }, Me>;
    delete: Get<None>;
  };
  "/api/v1/jobs": {
    get: Get<Page<Job>, { query?: { cursor?: string; limit?: number; project?: string; phase?: string } }>;
    post: Send<Submission, Job, { header: { "idempotency-key": string } }>;
  };
  "/api/v1/jobs/draft": { post: Send<Submission, JobDraft> };
  "/api/v1/jobs/{id}/errors": { get: Get<{ items: ErrorGroup[] }, Id> };
  "/api/v1/jobs/{id}/nodes": { get: Get<{ items: NodeAtWork[] }, Id> };
  "/api/v1/jobs/{id}/timeline": { get: Get<Timeline, Id> };
  "/api/v1/jobs/{id}/preview": { get: Get<Preview, Id> };
  "/api/v1/jobs/{id}/units/{stage}/{seq}": {
    get: Get<UnitDetail, { path: { id: string; stage: number; seq: number } }>;
  };
  "/api/v1/projects": { get: Get<Page<ProjectInfo>, Paged> };
  "/api/v1/modules": { get: Get<Page<ModuleListed>, Paged>; post: paths["/api/v1/modules"]["post"] };
  "/api/v1/modules/draft": {
    post: Send<{ component: string; name: string; author: string; limits?: Schemas["Limits"] }, ModuleDraft>;
  };
}

/** Every route, described or coming. */
type All = Coming & People & Operating;
export type Routes = Omit<paths, keyof All> & All;
