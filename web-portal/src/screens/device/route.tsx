/** `/device?code=ABCD-EFGH`: let a program in that has no browser. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { inside } from "@/app/roots";

export const device = createRoute({
  getParentRoute: () => inside,
  path: "/device",
  validateSearch: (search: Record<string, unknown>): { code?: string } =>
    typeof search.code === "string" ? { code: search.code.slice(0, 32) } : {},
  component: lazyRouteComponent(() => import("./View"), "DeviceView"),
});
