/** `/forgot` and `/reset?token=…`: a new password by mail. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { linkToken } from "@/app/link";
import { alone } from "@/app/roots";

export const forgot = createRoute({
  getParentRoute: () => alone,
  path: "/forgot",
  component: lazyRouteComponent(() => import("./View"), "ForgotView"),
});

export const reset = createRoute({
  getParentRoute: () => alone,
  path: "/reset",
  validateSearch: linkToken,
  component: lazyRouteComponent(() => import("./View"), "ResetView"),
});
