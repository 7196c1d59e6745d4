/** Shares of states as a bar, and the legend that gives each colour its word. */
import type { Counts } from "@/api/types";
import { count } from "@/words/format";
import { UNIT_COLOURS, UNIT_STATES, UNIT_WORDS } from "@/words/states";
import styles from "./pictures.module.css";

/** From the left: what is ready, what is on its way, what went wrong, what waits. */
const ORDER = [3, 2, 1, 4, 6, 5] as const;

export function StateBar({ counts, thin = false }: { counts: Counts; thin?: boolean }) {
  const all = UNIT_STATES.reduce((sum, state) => sum + counts[state], 0);
  const words = ORDER.filter((state) => counts[UNIT_STATES[state]] > 0)
    .map((state) => `${count(counts[UNIT_STATES[state]])} ${UNIT_WORDS[state]}`)
    .join(", ");
  return (
    <div
      className={thin ? `${styles.bar} ${styles.thin}` : styles.bar}
      role="img"
      aria-label={`${words || "nothing yet"} of ${count(all)}`}
      title={words}
    >
      {ORDER.map((state) => {
        const n = counts[UNIT_STATES[state]];
        if (n === 0 || all === 0) return null;
        const width = `max(2px, ${(n / all) * 100}%)`;
        return <i key={state} style={{ width, background: `var(--s-${UNIT_COLOURS[state]})` }} />;
      })}
    </div>
  );
}

/** The colours with their words; with `counts` only those that are there, with their numbers. */
export function StateLegend({ counts }: { counts?: Counts }) {
  const shown = counts ? ORDER.filter((state) => counts[UNIT_STATES[state]] > 0) : ([...ORDER, 0] as const);
  return (
    <div className={styles.legend}>
      {shown.map((state) => (
        <span key={state}>
          <Swatch state={state} />
          {counts && `${count(counts[UNIT_STATES[state]])} `}
          {UNIT_WORDS[state]}
        </span>
      ))}
    </div>
  );
}

function Swatch({ state }: { state: number }) {
  const notch =
    UNIT_STATES[state] === "failed" ? "upper" : UNIT_STATES[state] === "left_out" ? "lower" : "none";
  return (
    <span
      className={styles.swatch}
      data-notch={notch}
      style={{ background: `var(--s-${UNIT_COLOURS[state]})` }}
    />
  );
}
