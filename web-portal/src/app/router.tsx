/** Every screen's route, in one list. A screen's view comes with its own chunk; only routes are in the first one. */
import { createRoute, createRouter, redirect } from "@tanstack/react-router";
import { Broken, NotFound } from "@/parts/Boundary";
import { Loading } from "@/parts/States";
import { account } from "@/screens/account/route";
import { confirm } from "@/screens/confirm/route";
import { credits } from "@/screens/credits/route";
import { device } from "@/screens/device/route";
import { deviceOne, devices } from "@/screens/devices/route";
import { gridScreens } from "@/screens/grid/route";
import { group, groups } from "@/screens/groups/route";
import { job } from "@/screens/job/route";
import { jobs } from "@/screens/jobs/route";
import { login } from "@/screens/login/route";
import { modules } from "@/screens/modules/route";
import { pictures } from "@/screens/pictures/route";
import { projects } from "@/screens/projects/route";
import { forgot, reset } from "@/screens/recover/route";
import { register } from "@/screens/register/route";
import { submit } from "@/screens/submit/route";
import { unit } from "@/screens/unit/route";
import { welcome } from "@/screens/welcome/route";
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
    deviceOne,
    device,
    groups,
    group,
    account,
    ...gridScreens,
    pictures,
  ]),
  alone.addChildren([login, register, forgot, reset, confirm, welcome]),
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
