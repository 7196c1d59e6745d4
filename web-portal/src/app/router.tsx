/** Every screen's route, in one list. A screen's view comes with its own chunk; only routes are in the first one. */
import { createRoute, createRouter, redirect } from "@tanstack/react-router";
import { Broken, NotFound } from "@/parts/Boundary";
import { Loading } from "@/parts/States";
import { account } from "@/screens/account/route";
import { credits } from "@/screens/credits/route";
import { devices } from "@/screens/devices/route";
import { grid } from "@/screens/grid/route";
import { groups } from "@/screens/groups/route";
import { job } from "@/screens/job/route";
import { jobs } from "@/screens/jobs/route";
import { login } from "@/screens/login/route";
import { modules } from "@/screens/modules/route";
import { pictures } from "@/screens/pictures/route";
import { projects } from "@/screens/projects/route";
import { submit } from "@/screens/submit/route";
import { unit } from "@/screens/unit/route";
import { alone, inside, root } from "./roots";

const start = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/jobs" });
  },
});

const tree = root.addChildren([
  start,
  inside.addChildren([
    jobs,
    job,
    unit,
    submit,
    projects,
    modules,
    credits,
    devices,
    groups,
    account,
    grid,
    pictures,
  ]),
  alone.addChildren([login]),
]);

export const router = createRouter({
  routeTree: tree,
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
  defaultPendingMs: 300,
  scrollRestoration: true,
  defaultErrorComponent: Broken,
  defaultNotFoundComponent: NotFound,
  defaultPendingComponent: Loading,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
