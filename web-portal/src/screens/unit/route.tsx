/** `/jobs/$job/units/$stage/$seq`: one unit. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { inside } from "@/app/roots";

export const unit = createRoute({
  getParentRoute: () => inside,
  path: "/jobs/$job/units/$stage/$seq",
  component: lazyRouteComponent(() => import("./View"), "UnitView"),
});
