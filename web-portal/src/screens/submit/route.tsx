/** `/submit`: a new job; with `?from=` as another one, with `?module=` of a known program. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { inside } from "@/app/roots";

const word = (value: unknown) =>
  typeof value === "string" && /^[\w-]{1,100}$/.test(value) ? value : undefined;

export const submit = createRoute({
  getParentRoute: () => inside,
  path: "/submit",
  validateSearch: (search: Record<string, unknown>): { from?: string; module?: string } => {
    const [from, module] = [word(search.from), word(search.module)];
    return { ...(from === undefined ? {} : { from }), ...(module === undefined ? {} : { module }) };
  },
  component: lazyRouteComponent(() => import("./View"), "SubmitView"),
});
