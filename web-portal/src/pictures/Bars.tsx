/** Amounts side by side, each of one or more parts: what was earned by day, what was done by minute. */
import { useState } from "react";
import type { Tone } from "@/words/states";
import styles from "./pictures.module.css";

export type Bar = {
  /** For pointing, reading aloud and the key: `Sat 21 Nov: 6.42 paid`. */
  words: string;
  parts: { value: number; tone: Tone }[];
  /** What hangs below the line: what went, where `parts` came. */
  below?: { value: number; tone: Tone }[];
};

const sum = (parts: Bar["parts"] | undefined) => (parts ?? []).reduce((all, part) => all + part.value, 0);

export function Bars(props: { bars: readonly Bar[]; label: string; height?: number; axis?: string[] }) {
  const [pointed, setPointed] = useState<number>();
  const [up, down] = [
    Math.max(0, ...props.bars.map((bar) => sum(bar.parts))),
    Math.max(0, ...props.bars.map((bar) => sum(bar.below))),
  ];
  const whole = Math.max(up + down, 1e-9);
  const words = pointed === undefined ? undefined : props.bars[pointed]?.words;
  return (
    <div className={styles.picture}>
      <div
        className={styles.bars}
        style={{ height: props.height ?? 110 }}
        role="img"
        aria-label={props.label}
      >
        {props.bars.map((bar, n) => (
          <span
            key={bar.words}
            title={bar.words}
            onPointerEnter={() => setPointed(n)}
            onPointerLeave={() => setPointed(undefined)}
            style={{ opacity: pointed === undefined || pointed === n ? 1 : 0.6 }}
          >
            <Parts parts={bar.parts} top={up} share={up / whole} />
            {down > 0 && <Parts parts={bar.below ?? []} top={down} share={down / whole} hangs />}
          </span>
        ))}
      </div>
      {props.axis && (
        <div className={styles.axis}>
          {props.axis.map((text) => (
            <span key={text}>{text}</span>
          ))}
        </div>
      )}
      <span className="hidden" aria-live="polite">
        {words}
      </span>
    </div>
  );
}

function Parts(props: { parts: Bar["parts"]; top: number; share: number; hangs?: boolean }) {
  return (
    <span className={styles.parts} data-hangs={props.hangs} style={{ height: `${props.share * 100}%` }}>
      {props.parts.map((part) => (
        <i
          key={part.tone}
          style={{
            height: part.value > 0 ? `max(2px, ${(part.value / props.top) * 100}%)` : 0,
            background: `var(--s-${part.tone})`,
          }}
        />
      ))}
    </span>
  );
}
