/** Around every page of somebody who is logged in: the rail (on a phone a bar at the bottom), and the page. */
import { Outlet, useNavigate, useRouter } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { onLoggedOut } from "@/api/session";
import { Rail } from "./Rail";
import styles from "./shell.module.css";

export function Shell() {
  const main = useRef<HTMLElement>(null);
  useLogInWhenLost();
  useFocusOnNewPage(main);
  return (
    <div className={styles.app}>
      <a className={styles.skip} href="#main">
        Skip to the page
      </a>
      <Rail />
      <main className={styles.main} id="main" ref={main} tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  );
}

/** Where the server says 401, the log-in comes, and afterwards the same page again. */
function useLogInWhenLost() {
  const navigate = useNavigate();
  const router = useRouter();
  useEffect(
    () =>
      onLoggedOut(() => {
        const here = router.state.location;
        if (here.pathname !== "/login")
          void navigate({ to: "/login", search: { next: here.href }, replace: true });
      }),
    [navigate, router],
  );
}

/** A new page is told to those who hear it: focus goes to its beginning, as on a real page load. */
function useFocusOnNewPage(main: React.RefObject<HTMLElement | null>) {
  const router = useRouter();
  useEffect(
    () =>
      router.subscribe("onResolved", (event) => {
        if (event.pathChanged && event.fromLocation) main.current?.focus({ preventScroll: true });
      }),
    [router, main],
  );
}
