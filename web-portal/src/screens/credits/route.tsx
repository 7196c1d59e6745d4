/** `/credits`. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { inside } from "@/app/roots";

export const credits = createRoute({
  getParentRoute: () => inside,
  path: "/credits",
  component: lazyRouteComponent(() => import("./View"), "CreditsView"),
});
