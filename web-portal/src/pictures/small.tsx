/** The smallest pictures: a state in its colour, an amount, an age. */
import { useEffect, useState } from "react";
import { age, credits, duration, moment, signedCredits } from "@/words/format";
import { stateLook } from "@/words/states";
import styles from "./pictures.module.css";

/** A state of a job, unit or node, or a word of its own in a state's colour. */
export function StateBadge({ state, word }: { state: string; word?: string }) {
  const look = stateLook(state);
  return (
    <span
      className={styles.badge}
      style={{
        color: `var(--t-${look.tone})`,
        background: `color-mix(in srgb, var(--s-${look.tone}) ${look.tone === "wait" ? 35 : 14}%, transparent)`,
      }}
    >
      {word ?? look.word}
    </span>
  );
}

/** Micro-credits as an amount; `signed` for what came and went. */
export function Money({
  micro,
  signed = false,
  unit = false,
}: {
  micro: number;
  signed?: boolean;
  unit?: boolean;
}) {
  return (
    <span
      className={`num ${styles.money}`}
      style={signed && micro > 0 ? { color: "var(--t-done)" } : undefined}
    >
      {signed ? signedCredits(micro) : credits(micro)}
      {unit && <small> credits</small>}
    </span>
  );
}

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** The time of now, about once a second, from one clock for the whole page. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const tick = () => setNow(Date.now());
    listeners.add(tick);
    timer ??= setInterval(() => {
      for (const listener of listeners) listener();
    }, 1000);
    return () => {
      listeners.delete(tick);
      if (listeners.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  }, []);
  return now;
}

/** How long ago something was; the exact time is behind it. */
export function Age({ at }: { at: number }) {
  const now = useNow();
  return (
    <time className="num" dateTime={new Date(at).toISOString()} title={moment(at)}>
      {age(at, now)}
    </time>
  );
}

/** How long something takes or took. */
export function Elapsed({ from, to }: { from: number; to?: number | null | undefined }) {
  const now = useNow();
  return <span className="num">{duration((to ?? Math.max(now, from)) - from)}</span>;
}
