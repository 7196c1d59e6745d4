/** `/grid`. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { inside } from "@/app/roots";

export const grid = createRoute({
  getParentRoute: () => inside,
  path: "/grid",
  component: lazyRouteComponent(() => import("./View"), "GridView"),
});
