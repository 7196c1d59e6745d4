/** `/login`: by password, or with an API token. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { alone } from "@/app/roots";

export const login = createRoute({
  getParentRoute: () => alone,
  path: "/login",
  validateSearch: (search: Record<string, unknown>): { next?: string } =>
    typeof search.next === "string" ? { next: search.next } : {},
  component: lazyRouteComponent(() => import("./View"), "LoginView"),
});
