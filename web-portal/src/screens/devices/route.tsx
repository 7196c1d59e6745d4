/** `/devices` and `/devices/ID`. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { inside } from "@/app/roots";

export const devices = createRoute({
  getParentRoute: () => inside,
  path: "/devices",
  component: lazyRouteComponent(() => import("./View"), "DevicesView"),
});

export const deviceOne = createRoute({
  getParentRoute: () => inside,
  path: "/devices/$id",
  component: lazyRouteComponent(() => import("./One"), "DeviceOneView"),
});
