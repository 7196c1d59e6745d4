/** Frame of a page: where it is, what it is called, what can be done. The title is also the window's. */
import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";
import styles from "./parts.module.css";

export type Crumb = { text: string; to?: string; search?: Record<string, string> };

export function Page(props: {
  title: ReactNode;
  /** For the window's title, where `title` is not a plain text. */
  name?: string;
  crumbs?: Crumb[];
  badge?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const name = props.name ?? (typeof props.title === "string" ? props.title : "");
  useEffect(() => {
    document.title = name ? `${name} · Fallow` : "Fallow";
  }, [name]);
  return (
    <>
      {props.crumbs && (
        <nav aria-label="Where this is" className={styles.crumbs}>
          <ol>
            {props.crumbs.map((crumb) => (
              <li key={crumb.text}>
                {crumb.to ? (
                  <Link to={crumb.to} search={crumb.search ?? {}}>
                    {crumb.text}
                  </Link>
                ) : (
                  crumb.text
                )}
              </li>
            ))}
          </ol>
        </nav>
      )}
      <div className={styles.head}>
        <h1 tabIndex={-1} id="title">
          {props.title}
        </h1>
        {props.badge}
        {props.actions && <div className={styles.actions}>{props.actions}</div>}
      </div>
      {props.children}
    </>
  );
}

/** A bordered box with a heading, and a note in grey at its right. */
export function Panel(props: {
  title?: ReactNode;
  note?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section className={props.className ? `${styles.panel} ${props.className}` : styles.panel}>
      {(props.title || props.note) && (
        <div className={styles.panelHead}>
          {props.title && <h2>{props.title}</h2>}
          {props.note && <span className={styles.note}>{props.note}</span>}
        </div>
      )}
      {props.children}
    </section>
  );
}

/** The strip of facts under a title. */
export function Facts({ children }: { children: ReactNode }) {
  return <div className={styles.facts}>{children}</div>;
}

/** One of them: a label, a value with its unit small beside it, and a line below. */
export function Fact(props: {
  label: ReactNode;
  value?: ReactNode;
  unit?: ReactNode;
  below?: ReactNode;
  wide?: boolean;
  children?: ReactNode;
}) {
  return (
    <div className={props.wide ? `${styles.fact} ${styles.wide}` : styles.fact}>
      <div className={styles.label}>{props.label}</div>
      {props.value !== undefined && (
        <div className={styles.value}>
          {props.value} {props.unit && <small>{props.unit}</small>}
        </div>
      )}
      {props.children}
      {props.below && <div className={styles.label}>{props.below}</div>}
    </div>
  );
}

/** A main column and a narrow one, which come under each other where it is narrow. */
export function Columns({ children }: { children: ReactNode }) {
  return <div className={styles.columns}>{children}</div>;
}

/** Things under each other. */
export function Stack({ children }: { children: ReactNode }) {
  return <div className={styles.stack}>{children}</div>;
}
