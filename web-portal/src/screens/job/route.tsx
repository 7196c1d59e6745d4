/** `/jobs/$job`: a job, live. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { inside } from "@/app/roots";

export const job = createRoute({
  getParentRoute: () => inside,
  path: "/jobs/$job",
  component: lazyRouteComponent(() => import("./View"), "JobView"),
});
