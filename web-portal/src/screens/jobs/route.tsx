/** `/jobs`: everything that this account gave to the grid, live; with `?project=` those of one project. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import type { JobPhase } from "@/api/types";
import { inside } from "@/app/roots";

const PHASES: readonly JobPhase[] = ["splitting", "running", "assembling", "done", "failed", "cancelled"];

/** The router reads `?project=2024` as a number. */
const text = (value: unknown) =>
  typeof value === "number"
    ? String(value)
    : typeof value === "string" && value.length <= 200
      ? value
      : undefined;

export const jobs = createRoute({
  getParentRoute: () => inside,
  path: "/jobs",
  validateSearch: (search: Record<string, unknown>): { project?: string; phase?: JobPhase } => {
    const project = text(search.project);
    const phase = PHASES.find((one) => one === search.phase);
    return { ...(project === undefined ? {} : { project }), ...(phase === undefined ? {} : { phase }) };
  },
  component: lazyRouteComponent(() => import("./View"), "JobsView"),
});
