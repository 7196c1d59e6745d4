/** A stretch of time cut into states: offline, idle, working, paused, and why. */
import { useState } from "react";
import { clock, duration } from "@/words/format";
import { stateLook } from "@/words/states";
import styles from "./pictures.module.css";

export type Span = { from_ms: number; to_ms: number; state: string; reason?: string | null };

/** Spans cut to the window, with what is not known between them as `offline`. Pure. */
export function cut(spans: readonly Span[], fromMs: number, toMs: number): Span[] {
  const out: Span[] = [];
  let at = fromMs;
  for (const span of [...spans].sort((a, b) => a.from_ms - b.from_ms)) {
    const [from, to] = [Math.max(at, span.from_ms), Math.min(toMs, span.to_ms)];
    if (to <= from) continue;
    if (from > at) out.push({ from_ms: at, to_ms: from, state: "offline" });
    out.push({ ...span, from_ms: from, to_ms: to });
    at = to;
  }
  if (at < toMs) out.push({ from_ms: at, to_ms: toMs, state: "offline" });
  return out;
}

export function Strip(props: { spans: readonly Span[]; fromMs: number; toMs: number; label: string }) {
  const [pointed, setPointed] = useState<Span>();
  const spans = cut(props.spans, props.fromMs, props.toMs);
  const length = props.toMs - props.fromMs;
  return (
    <div className={styles.picture}>
      <div className={styles.strip} role="img" aria-label={`${props.label}: ${summary(spans, length)}`}>
        {spans.map((span) => (
          <span
            key={span.from_ms}
            style={{
              flex: `${(span.to_ms - span.from_ms) / length} 0 0`,
              background: `var(--s-${stateLook(span.state).tone})`,
            }}
            title={words(span)}
            onPointerEnter={() => setPointed(span)}
            onPointerLeave={() => setPointed(undefined)}
          />
        ))}
      </div>
      <div className={styles.axis}>
        <span>{clock(props.fromMs)}</span>
        <span>{pointed && words(pointed)}</span>
        <span>{clock(props.toMs)}</span>
      </div>
    </div>
  );
}

const words = (span: Span) =>
  `${clock(span.from_ms)}–${clock(span.to_ms)} ${span.state}${span.reason ? `: ${span.reason}` : ""}`;

function summary(spans: readonly Span[], length: number): string {
  const sums = new Map<string, number>();
  for (const span of spans) sums.set(span.state, (sums.get(span.state) ?? 0) + span.to_ms - span.from_ms);
  return [...sums]
    .sort((a, b) => b[1] - a[1])
    .map(([state, ms]) => `${state} for ${duration(ms)} of ${duration(length)}`)
    .join(", ");
}
