/** `/welcome?token=…`: the operator's link, which the server prints at its first start. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { linkToken } from "@/app/link";
import { alone } from "@/app/roots";

export const welcome = createRoute({
  getParentRoute: () => alone,
  path: "/welcome",
  validateSearch: linkToken,
  component: lazyRouteComponent(() => import("./View"), "WelcomeView"),
});
