/** Modules: programs that this account signed, and the grid took. */
import { $api } from "@/api/client";
import type { ModuleListed, Page } from "@/api/types";

export const useModules = () =>
  $api.useInfiniteQuery(
    "get",
    "/api/v1/modules",
    { params: { query: { limit: 50 } } },
    {
      pageParamName: "cursor",
      initialPageParam: undefined as unknown as string,
      getNextPageParam: (page: Page<ModuleListed>) => page.next ?? undefined,
    },
  );

const EXPORTS = [
  ["command", "plain WASI program"],
  ["run", "run"],
  ["split", "split"],
  ["merge", "merge"],
] as const;

/** What a component can do, in words. */
export const exportWords = (exports: ModuleListed["exports"]): string =>
  EXPORTS.filter(([key]) => exports[key])
    .map(([, word]) => word)
    .join(", ");
