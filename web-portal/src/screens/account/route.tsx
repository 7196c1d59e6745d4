/** `/account`: oneself. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { inside } from "@/app/roots";

export const TABS = ["you", "safety", "tokens", "record"] as const;
export type Tab = (typeof TABS)[number];

export const account = createRoute({
  getParentRoute: () => inside,
  path: "/account",
  validateSearch: (search: Record<string, unknown>): { tab?: Tab } => {
    const tab = TABS.find((known) => known === search.tab);
    return tab ? { tab } : {};
  },
  component: lazyRouteComponent(() => import("./View"), "AccountView"),
});
