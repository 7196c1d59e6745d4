/** `/modules`. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { inside } from "@/app/roots";

export const modules = createRoute({
  getParentRoute: () => inside,
  path: "/modules",
  component: lazyRouteComponent(() => import("./View"), "ModulesView"),
});
