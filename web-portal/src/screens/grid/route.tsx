/** `/grid` and its parts: for operators. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { inside } from "@/app/roots";

/** What a list is narrowed to. */
export type Search = { q?: string; account?: string; job?: string; cause?: string; action?: string };

const KEYS = ["q", "account", "job", "cause", "action"] as const;

const narrowed = (search: Record<string, unknown>): Search =>
  Object.fromEntries(
    KEYS.flatMap((key) => {
      const value = search[key];
      return typeof value === "string" && value !== "" ? [[key, value.slice(0, 200)]] : [];
    }),
  );

const grid = createRoute({
  getParentRoute: () => inside,
  path: "/grid",
  component: lazyRouteComponent(() => import("./Health"), "HealthView"),
});
const users = createRoute({
  getParentRoute: () => inside,
  path: "/grid/users",
  validateSearch: narrowed,
  component: lazyRouteComponent(() => import("./Users"), "UsersView"),
});
const nodes = createRoute({
  getParentRoute: () => inside,
  path: "/grid/nodes",
  validateSearch: narrowed,
  component: lazyRouteComponent(() => import("./Nodes"), "NodesView"),
});
const jobs = createRoute({
  getParentRoute: () => inside,
  path: "/grid/jobs",
  validateSearch: narrowed,
  component: lazyRouteComponent(() => import("./Work"), "JobsView"),
});
const modules = createRoute({
  getParentRoute: () => inside,
  path: "/grid/modules",
  validateSearch: narrowed,
  component: lazyRouteComponent(() => import("./Work"), "ModulesView"),
});
const disputes = createRoute({
  getParentRoute: () => inside,
  path: "/grid/disputes",
  component: lazyRouteComponent(() => import("./Disputes"), "DisputesView"),
});
const ledger = createRoute({
  getParentRoute: () => inside,
  path: "/grid/ledger",
  validateSearch: narrowed,
  component: lazyRouteComponent(() => import("./Ledger"), "LedgerView"),
});
const audit = createRoute({
  getParentRoute: () => inside,
  path: "/grid/audit",
  validateSearch: narrowed,
  component: lazyRouteComponent(() => import("./Audit"), "AuditView"),
});
const reports = createRoute({
  getParentRoute: () => inside,
  path: "/grid/reports",
  component: lazyRouteComponent(() => import("./Reports"), "ReportsView"),
});

export const gridScreens = [grid, users, nodes, jobs, modules, disputes, ledger, audit, reports] as const;
