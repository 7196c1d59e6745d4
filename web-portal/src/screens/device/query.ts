/** Who shows a code, and what it may do once it is let in. */
import { $api, api } from "@/api/client";
import { queries } from "@/app/Providers";

/** A code as the server writes it, from what somebody typed; none where it cannot be one. */
export function tidy(typed: string): string | undefined {
  const letters = typed.replace(/[^a-z]/gi, "").toUpperCase();
  return letters.length === 8 ? `${letters.slice(0, 4)}-${letters.slice(4)}` : undefined;
}

const SCOPES: Record<string, string> = {
  "jobs:read": "see your jobs and their results",
  "jobs:write": "submit and cancel jobs, and spend your credits on them",
  "nodes:write": "let computers join in your name, and remove them",
  admin: "do everything an operator may",
};

export type Asker = {
  isNode: boolean;
  name: string;
  address: string;
  endsMs: number;
  fingerprint: string;
  /** What it may do, in words. */
  may: string[];
};

export const useAsker = (code: string | undefined) =>
  $api.useQuery(
    "get",
    "/api/v1/device/{user_code}",
    { params: { path: { user_code: code ?? "" } } },
    {
      enabled: code !== undefined,
      retry: false,
      select: (asked): Asker => ({
        isNode: asked.client === "fallow-node",
        name: asked.name,
        address: asked.address,
        endsMs: asked.expires_at_ms,
        fingerprint: asked.root_fingerprint ?? "",
        may:
          asked.client === "fallow-node"
            ? ["take work of this grid and run it, walled off from everything else on that computer"]
            : asked.scopes.map((scope) => SCOPES[scope] ?? scope),
      }),
    },
  );

export async function decide(code: string, yes: boolean): Promise<void> {
  const params = { path: { user_code: code } };
  if (yes) await api.POST("/api/v1/device/{user_code}/approve", { params });
  else await api.POST("/api/v1/device/{user_code}/deny", { params });
  await queries.invalidateQueries({ queryKey: ["get", "/api/v1/nodes"] });
}
