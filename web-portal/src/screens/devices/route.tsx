/** `/devices`. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { inside } from "@/app/roots";

export const devices = createRoute({
  getParentRoute: () => inside,
  path: "/devices",
  component: lazyRouteComponent(() => import("./View"), "DevicesView"),
});
