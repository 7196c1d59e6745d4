/** How it went: units that ended, by time, and what happened. */
import { Panel } from "@/parts/Page";
import { Asked } from "@/parts/States";
import { Bars } from "@/pictures/Bars";
import { clock, count, duration } from "@/words/format";
import styles from "./job.module.css";
import { useTimeline } from "./query";
import type { JobView } from "./view";

const BARS = 90;

/** Buckets put together so that at most `most` are left. Pure. */
export function fewer(values: readonly number[], most: number): number[] {
  const each = Math.max(1, Math.ceil(values.length / most));
  const out: number[] = [];
  for (let at = 0; at < values.length; at += each) {
    out.push(values.slice(at, at + each).reduce((sum, value) => sum + value, 0));
  }
  return out;
}

export function Timeline({ id, job }: { id: string; job: JobView }) {
  const query = useTimeline(id, job.goesOn);
  return (
    <Panel title="Timeline" note={query.data && `${duration(query.data.bucket_ms)} a bar and more`}>
      <Asked query={query}>
        {({ bucket_ms, from_ms, done, failed, events }) => {
          const each = Math.max(1, Math.ceil(done.length / BARS)) * bucket_ms;
          const [well, ill] = [fewer(done, BARS), fewer(failed, BARS)];
          const bars = well.map((value, n) => ({
            words: `${clock(from_ms + n * each)}: ${count(value)} done, ${count(ill[n] ?? 0)} failed`,
            parts: [
              { value, tone: "done" as const },
              { value: ill[n] ?? 0, tone: "fail" as const },
            ],
          }));
          const end = from_ms + done.length * bucket_ms;
          return (
            <>
              {bars.length > 0 ? (
                <Bars
                  bars={bars}
                  height={64}
                  label="Units that ended, by time"
                  axis={[clock(from_ms), clock(end)]}
                />
              ) : (
                <p className="dim">No unit has ended yet.</p>
              )}
              {events.length > 0 && (
                <ol className={styles.events}>
                  {events.slice(-40).map((event) => (
                    <li key={`${event.at_ms} ${event.text}`}>
                      <time className="num dim">{clock(event.at_ms)}</time>
                      <span className="foreign">{event.text}</span>
                    </li>
                  ))}
                </ol>
              )}
            </>
          );
        }}
      </Asked>
    </Panel>
  );
}
