/** Why its units wait, in the grid's own words. */
import { Panel } from "@/parts/Page";
import { Asked } from "@/parts/States";
import { count } from "@/words/format";
import styles from "./job.module.css";
import { useExplain } from "./query";
import type { JobView } from "./view";

export function Why({ job }: { job: JobView }) {
  const query = useExplain(job.id, true);
  const waiting = job.counts.waiting + job.counts.again;
  return (
    <Panel title="Why is it waiting?" note={`${count(waiting)} ready`}>
      <Asked query={query}>
        {({ reasons }) =>
          reasons.length === 0 ? (
            <p className="dim">Nothing holds it up: units are given out as nodes get free.</p>
          ) : (
            <ul className={styles.why}>
              {reasons.map((reason) => (
                <li key={reason.code}>
                  <b>{count(reason.count)}</b>
                  <span>
                    <span className="foreign">{reason.text}</span>
                    {reason.help && <span className={styles.help}>{reason.help}</span>}
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Asked>
    </Panel>
  );
}
