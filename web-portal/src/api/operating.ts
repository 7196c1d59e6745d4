/** Short names for what the API sends to operators. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type AdminUser = Schemas["AdminUser"];
export type LedgerParty = Schemas["LedgerParty"];
