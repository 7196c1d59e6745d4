/** Names of what the API sends, and what is told a little differently than `schema.d.ts` says. */
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type Page<T> = { items: T[]; next?: string | null };

export type ErrorGroup = Schemas["ErrorGroup"];
export type NodeAtWork = Schemas["JobNode"];
export type Timeline = Schemas["Timeline"];
export type Attempt = Schemas["UnitAttempt"];
export type UnitDetail = Schemas["UnitDetail"];
export type Preview = Schemas["Preview"];
export type ProjectInfo = Schemas["ProjectInfo"];
export type ModuleListed = Schemas["ModuleListed"];
export type JobDraft = Schemas["JobDraft"];
export type Submission = Schemas["JobSubmission"];
export type Me = Schemas["Me"];
/** Reading answers, the client makes a list of a pair. */
export type Job = Omit<Schemas["JobInfo"], "eta_s"> & {
  /** From and to, seconds. */
  eta_s?: number[] | null;
};

/** Every route. */
export type Routes = paths;
