/** Modules: programs that this account signed, and the grid took. */
import { api } from "@/api/client";
import { usePages } from "@/api/pages";
import type { ModuleListed } from "@/api/types";

export const useModules = () =>
  usePages<ModuleListed>(["get", "/api/v1/modules", "pages"], (page) =>
    api.GET("/api/v1/modules", { params: { query: { limit: 50, ...page } } }),
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
