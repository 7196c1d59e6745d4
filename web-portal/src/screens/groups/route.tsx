/** `/groups` and `/groups/NAME`. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { inside } from "@/app/roots";

export const groups = createRoute({
  getParentRoute: () => inside,
  path: "/groups",
  component: lazyRouteComponent(() => import("./View"), "GroupsView"),
});

export const group = createRoute({
  getParentRoute: () => inside,
  path: "/groups/$name",
  component: lazyRouteComponent(() => import("./One"), "GroupView"),
});
