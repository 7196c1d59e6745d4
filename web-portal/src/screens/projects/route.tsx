/** `/projects`. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { inside } from "@/app/roots";

export const projects = createRoute({
  getParentRoute: () => inside,
  path: "/projects",
  component: lazyRouteComponent(() => import("./View"), "ProjectsView"),
});
