/** What may be wider than the page: it scrolls by itself, also with the keyboard. */
import type { ReactNode } from "react";
import styles from "./parts.module.css";

export function Wide({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
    <section className={styles.scroll} tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
