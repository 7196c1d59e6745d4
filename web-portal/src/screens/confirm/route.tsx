/** `/confirm?token=…`: the link in the mail of a registration, or of a new address. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { linkToken } from "@/app/link";
import { alone } from "@/app/roots";

export const confirm = createRoute({
  getParentRoute: () => alone,
  path: "/confirm",
  validateSearch: linkToken,
  component: lazyRouteComponent(() => import("./View"), "ConfirmView"),
});
