/**
 * Routes that the pages use and the server's document does not describe yet, in the form that
 * `openapi-typescript` gives them. A route leaves this file when it comes into `schema.d.ts`.
 */
import type { Operating } from "./operating";
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
export type Paged = { query?: { cursor?: string; limit?: number } };

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

/** Every route, described or coming. */
type All = Operating;
export type Routes = Omit<paths, keyof All> & All;
