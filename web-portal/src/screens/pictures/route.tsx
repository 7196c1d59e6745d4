/** `/pictures`: every repeated picture with sample data, for those who build pages. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { inside } from "@/app/roots";

export const pictures = createRoute({
  getParentRoute: () => inside,
  path: "/pictures",
  component: lazyRouteComponent(() => import("./View"), "PicturesView"),
});
