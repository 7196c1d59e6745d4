/** Short names for what the API sends. Screens take these apart in their `query.ts`; views do not see them. */
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Counts = Schemas["UnitCounts"];
export type Credits = Schemas["Credits"];
export type GridInfo = Schemas["GridInfo"];
export type JobPhase = Schemas["JobPhase"];
export type Limits = Schemas["Limits"];
export type Movement = Schemas["Movement"];
export type NodeInfo = Schemas["NodeInfo"];
export type Outcome = Schemas["Outcome"];
export type Split = Schemas["Split"];
export type UnitInfo = Schemas["UnitInfo"];
export type UnitState = Schemas["UnitState"];
export type {
  Attempt,
  ErrorGroup,
  Job,
  JobDraft,
  Me,
  ModuleListed,
  NodeAtWork,
  Page,
  Preview,
  ProjectInfo,
  Submission,
  Timeline,
  UnitDetail,
} from "./coming";
