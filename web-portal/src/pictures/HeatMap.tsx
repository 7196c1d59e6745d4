/** The hours of a week, Monday 0:00 first: 168 shares from grey (never) to green (always). A real table, so it can be read aloud. */
import { useState } from "react";
import styles from "./pictures.module.css";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const LONG = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

const two = (n: number) => String(n).padStart(2, "0");

/** `Wednesday 14:00–15:00`. */
export const hourWords = (hour: number): string =>
  `${LONG[Math.floor(hour / 24)]} ${two(hour % 24)}:00–${two((hour % 24) + 1)}:00`;

export function HeatMap(props: {
  /** 168 shares in 0..1; none where nothing is known yet. */
  shares: readonly (number | undefined)[];
  caption: string;
  /** What a cell says when somebody points at it, after its hour. */
  words?: (hour: number) => string;
  /** The hour of now. */
  now?: number;
}) {
  const [pointed, setPointed] = useState<number>();
  const say = (hour: number) => {
    const share = props.shares[hour];
    const more =
      props.words?.(hour) ?? (share === undefined ? "not known yet" : `${Math.round(share * 100)} %`);
    return `${hourWords(hour)}: ${more}`;
  };
  return (
    <div className={styles.picture}>
      <table className={styles.heat}>
        <caption className="hidden">{props.caption}</caption>
        <thead className="hidden">
          <tr>
            <th scope="col">Day</th>
            {HOURS.map((hour) => (
              <th key={hour} scope="col">
                {two(hour)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {DAYS.map((name, day) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {HOURS.map((hour) => {
                const at = day * 24 + hour;
                return (
                  <td
                    key={hour}
                    data-on={props.now === at}
                    style={{ background: shade(props.shares[at]) }}
                    onPointerEnter={() => setPointed(at)}
                    onPointerLeave={() => setPointed(undefined)}
                  >
                    <span className="hidden">{share(props.shares[at])}</span>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <div className={styles.axis} style={{ paddingLeft: 36 }} aria-hidden="true">
        {["00", "03", "06", "09", "12", "15", "18", "21", "24"].map((hour) => (
          <span key={hour}>{hour}</span>
        ))}
      </div>
      <div className={styles.axis} style={{ fontSize: 12, marginTop: 8, minHeight: 18 }}>
        <span>
          0 %<span className={styles.ramp} />
          100 %
        </span>
        <span>{pointed === undefined ? "" : say(pointed)}</span>
      </div>
    </div>
  );
}

const share = (value: number | undefined) =>
  value === undefined ? "not known" : `${Math.round(value * 100)} %`;

const shade = (value: number | undefined) =>
  value === undefined
    ? "transparent"
    : `color-mix(in srgb, var(--s-done) ${Math.round(Math.min(1, Math.max(0, value)) * 100)}%, var(--track))`;
