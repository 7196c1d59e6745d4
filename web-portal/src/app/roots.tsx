/** The two frames that screens hang in: with the rail, or alone (log-in and the like). */
import { createRootRoute, createRoute, Link, Outlet } from "@tanstack/react-router";
import { Broken, NotFound } from "@/parts/Boundary";
import { Mark } from "./marks";
import { Shell } from "./Shell";
import styles from "./shell.module.css";

export const root = createRootRoute({ component: Outlet });

/** Screens of somebody who is logged in. */
export const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Shell,
  errorComponent: Broken,
  notFoundComponent: NotFound,
});

/** Screens of a visitor: a narrow column. */
export const alone = createRoute({
  getParentRoute: () => root,
  id: "alone",
  component: Alone,
  errorComponent: Broken,
});

function Alone() {
  return (
    <main className={styles.alone} id="main">
      <Link to="/" className={styles.logo}>
        <Mark />
        Fallow
      </Link>
      <Outlet />
    </main>
  );
}
