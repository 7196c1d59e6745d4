/** Routes of operators that the server's document does not describe yet; see `coming.ts`. */
import type { Get, None, Page, Send } from "./coming";
import type { AuditEvent } from "./people";
import type { components } from "./schema";

type Schemas = components["schemas"];

export type AccountRef = { id: string; name: string };
export type Suspended = { reason: string };
export type AdminUser = {
  id: string;
  name: string;
  email?: string | null;
  role: string;
  created_at_ms: number;
  suspended?: Suspended | null;
  fuel_quota: number;
  fuel_used: number;
  jobs_max?: number | null;
  available: number;
  nodes: number;
  jobs: number;
};
export type AdminNode = {
  id: string;
  name: string;
  owner: AccountRef;
  state: string;
  reason?: string | null;
  suspended?: Suspended | null;
  slots: number;
  units_held: number;
  units_done: number;
  fuel: number;
  machine: string;
  joined_at_ms: number;
  seen_at_ms: number;
  standing?: Schemas["NodeStanding"] | null;
  checks_passed: number;
  results_wrong: number;
};
export type AdminJob = {
  id: string;
  name: string;
  owner: AccountRef;
  phase: Schemas["JobPhase"];
  module: string;
  suspended?: Suspended | null;
  units: number;
  done: number;
  failed: number;
  fuel: number;
  created_at_ms: number;
  ended_at_ms?: number | null;
  error?: string | null;
};
export type AdminModule = {
  module: string;
  component: string;
  owner: AccountRef;
  bytes: number;
  created_at_ms: number;
  expires_at_ms: number;
  jobs: number;
  suspended?: Suspended | null;
};
export type LedgerParty = { kind: string; account?: AccountRef | null; job?: string | null };
export type LedgerRow = {
  id: string;
  at_ms: number;
  kind: string;
  cause: string;
  resolves?: string | null;
  debit: LedgerParty;
  credit: LedgerParty;
  amount: number;
  note?: string | null;
};
export type Report = {
  id: number;
  at_ms: number;
  by: string;
  module?: string | null;
  job?: string | null;
  text: string;
};
export type HealthPart = { name: string; ok: boolean; text: string; since_ms?: number | null };

type Id = { path: { id: string } };
type Search = { query?: { query?: string; cursor?: string; limit?: number } };
type Reason = { reason: string };

export interface Operating {
  "/api/v1/admin/users": { get: Get<Page<AdminUser>, Search> };
  "/api/v1/admin/users/{id}": {
    patch: Send<{ fuel_quota?: number; role?: string; jobs_max?: number }, AdminUser, Id>;
  };
  "/api/v1/admin/users/{id}/suspend": { post: Send<Reason, None, Id> };
  "/api/v1/admin/users/{id}/restore": { post: Get<None, Id> };
  "/api/v1/admin/nodes": { get: Get<Page<AdminNode>, Search> };
  "/api/v1/admin/nodes/{id}/suspend": { post: Send<Reason, None, Id> };
  "/api/v1/admin/nodes/{id}/restore": { post: Get<None, Id> };
  "/api/v1/admin/jobs": { get: Get<Page<AdminJob>, Search> };
  "/api/v1/admin/modules": { get: Get<Page<AdminModule>, Search> };
  "/api/v1/admin/modules/{digest}/suspend": { post: Send<Reason, None, { path: { digest: string } }> };
  "/api/v1/admin/modules/{digest}/restore": { post: Get<None, { path: { digest: string } }> };
  "/api/v1/admin/ledger": {
    get: Get<
      Page<LedgerRow>,
      {
        query?: {
          account?: string;
          job?: string;
          cause?: string;
          from_ms?: number;
          to_ms?: number;
          cursor?: string;
        };
      }
    >;
  };
  "/api/v1/admin/audit": {
    get: Get<Page<AuditEvent>, { query?: { actor?: string; action?: string; cursor?: string } }>;
  };
  "/api/v1/admin/health": { get: Get<{ parts: HealthPart[] }> };
  "/api/v1/admin/reports": { get: Get<Page<Report>, Search> };
}
