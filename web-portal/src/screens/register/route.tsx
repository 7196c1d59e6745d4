/** `/register`: a new account. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { alone } from "@/app/roots";

export const register = createRoute({
  getParentRoute: () => alone,
  path: "/register",
  component: lazyRouteComponent(() => import("./View"), "RegisterView"),
});
