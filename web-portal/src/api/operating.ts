/** Short names for what the API sends to operators, and the route that the server's document lacks. */
import type { Get, Page } from "./coming";
import type { components } from "./schema";

type Schemas = components["schemas"];

export type AdminUser = Schemas["AdminUser"];
export type LedgerParty = Schemas["LedgerParty"];
export type Report = {
  id: number;
  at_ms: number;
  by: string;
  module?: string | null;
  job?: string | null;
  text: string;
};

export interface Operating {
  "/api/v1/admin/reports": { get: Get<Page<Report>, { query?: { cursor?: string; limit?: number } }> };
}
