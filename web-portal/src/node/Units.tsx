/** What runs here now, slot by slot. */
import type { NodeStatus } from "@/api/lending";
import { Elapsed, StateBadge } from "@/pictures/small";
import { count, counted } from "@/words/format";
import styles from "./node.module.css";

export function Units({ status }: { status: NodeStatus }) {
  const free = Math.max(0, status.slots - status.units.length);
  return (
    <div className={styles.units}>
      <ul aria-label="Running now">
        {status.units.map((unit) => (
          <li key={`${unit.job_name} ${unit.stage} ${unit.seq}`}>
            <span className={styles.job}>
              <b className="foreign">{unit.job_name}</b>{" "}
              <span className="dim">{part(unit.stage, unit.seq)}</span>{" "}
              {unit.own && <StateBadge state="idle" word="yours" />}
            </span>
            <span
              className={styles.progress}
              role="img"
              aria-label={
                unit.progress_milli == null
                  ? "does not tell how far it is"
                  : `${Math.round(unit.progress_milli / 10)} %`
              }
            >
              <i style={{ width: `${Math.min(100, (unit.progress_milli ?? 0) / 10)}%` }} />
            </span>
            <span className="dim small">
              <Elapsed from={unit.started_at_ms} />
            </span>
          </li>
        ))}
      </ul>
      <p className="dim small">
        {free > 0 && `${counted(free, "free slot")} · `}
        {counted(status.units_done, "result")} since its start · fallow-node {status.version}
      </p>
    </div>
  );
}

const part = (stage: number, seq: number) =>
  stage === 0 ? "cuts its input" : stage === 1 ? `unit ${count(seq)}` : "puts results together";
