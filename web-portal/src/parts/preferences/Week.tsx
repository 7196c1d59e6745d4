/** Hours of the week that are switched one by one, by drawing over them, or a day at once. Arrows walk. */
import { type KeyboardEvent, useRef, useState } from "react";
import { hourWords } from "@/pictures/HeatMap";
import { HOURS } from "./model";
import styles from "./preferences.module.css";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -24, ArrowDown: 24 };

export function Week(props: {
  hours: readonly boolean[];
  onChange: (hours: boolean[]) => void;
  disabled?: boolean;
}) {
  const table = useRef<HTMLTableElement>(null);
  const [at, setAt] = useState(0);
  const drawing = useRef<boolean | undefined>(undefined);
  const set = (hours: number[], on: boolean) => {
    const next = [...props.hours];
    for (const hour of hours) next[hour] = on;
    props.onChange(next);
  };
  const walk = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = (at + step + HOURS) % HOURS;
    setAt(next);
    table.current?.querySelector<HTMLElement>(`[data-hour="${next}"]`)?.focus();
  };
  return (
    <table
      ref={table}
      className={styles.week}
      aria-label="Hours in which it may work"
      onKeyDown={walk}
      onPointerUp={() => {
        drawing.current = undefined;
      }}
      onPointerLeave={() => {
        drawing.current = undefined;
      }}
    >
      <tbody>
        {DAYS.map((name, day) => {
          const hours = Array.from({ length: 24 }, (_, hour) => day * 24 + hour);
          const all = hours.every((hour) => props.hours[hour]);
          return (
            <tr key={name}>
              <th scope="row">
                <button
                  type="button"
                  className={styles.day}
                  disabled={props.disabled ?? false}
                  aria-label={`${name}: ${all ? "no hour" : "all hours"}`}
                  onClick={() => set(hours, !all)}
                >
                  {name}
                </button>
              </th>
              {hours.map((hour) => (
                <td key={hour}>
                  <button
                    type="button"
                    data-hour={hour}
                    tabIndex={hour === at ? 0 : -1}
                    disabled={props.disabled ?? false}
                    aria-pressed={props.hours[hour] ?? false}
                    aria-label={hourWords(hour)}
                    title={hourWords(hour)}
                    onPointerDown={(event) => {
                      event.currentTarget.releasePointerCapture?.(event.pointerId);
                      drawing.current = !props.hours[hour];
                      setAt(hour);
                      set([hour], drawing.current);
                    }}
                    onPointerEnter={() => {
                      if (drawing.current !== undefined && props.hours[hour] !== drawing.current)
                        set([hour], drawing.current);
                    }}
                    onKeyDown={(event) => {
                      if (event.key !== " " && event.key !== "Enter") return;
                      event.preventDefault();
                      set([hour], !props.hours[hour]);
                    }}
                  />
                </td>
              ))}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
