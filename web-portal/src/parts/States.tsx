/** The states that every page has besides its own: loading, empty, failed, stale. */
import { Button } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import { asProblem } from "@/api/problem";
import { clock, duration } from "@/words/format";
import { Copy } from "./Copy";
import styles from "./parts.module.css";

/** Grey bars where something will be; said aloud only once it takes long. */
export function Loading({ lines = 4, height = 16 }: { lines?: number; height?: number }) {
  return (
    <div role="status" style={{ display: "grid", gap: 12 }}>
      <span className="hidden">Loading</span>
      {Array.from({ length: lines }, (_, line) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: bars have no identity
          key={line}
          className={styles.bone}
          style={{ height, width: `${[100, 92, 96, 78][line % 4]}%` }}
        />
      ))}
    </div>
  );
}

/** An invitation: what this place is for, and how the first of it is made. */
export function Empty(props: {
  title: string;
  children?: ReactNode;
  commands?: string[];
  action?: ReactNode;
}) {
  return (
    <div className={styles.empty}>
      <h2>{props.title}</h2>
      {props.children && <div className="dim">{props.children}</div>}
      {props.commands && <Copy text={props.commands.join("\n")} />}
      {props.action}
    </div>
  );
}

/** What went wrong, what to do, and a way to try again. */
export function Failure({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const problem = asProblem(error);
  return (
    <div className={styles.failure} role="alert" tabIndex={-1}>
      <p>{problem.message}</p>
      {problem.help && <p className="dim">{problem.help}</p>}
      {retry && (
        <Button mt={4} onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** Says since when what is shown has not changed. */
export function Stale({ since }: { since: number | undefined }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (since === undefined) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [since]);
  if (since === undefined || now - since < 2000) return null;
  return (
    <span className={styles.stale} role="status">
      as of {clock(since)}; connecting again ({duration(now - since)})
    </span>
  );
}

type Asked<T> = { data: T | undefined; error: unknown; isFetching: boolean; refetch: () => unknown };

/**
 * One query's four states in one place. What was once loaded stays when a later try fails; the failure stands
 * above it.
 */
export function Asked<T>(props: {
  query: Asked<T>;
  children: (data: T) => ReactNode;
  loading?: ReactNode;
}): ReactNode {
  const { data, error, refetch } = props.query;
  if (data === undefined) {
    return error ? <Failure error={error} retry={() => void refetch()} /> : (props.loading ?? <Loading />);
  }
  return (
    <>
      {error ? <Failure error={error} retry={() => void refetch()} /> : null}
      {props.children(data)}
    </>
  );
}
