/** What went wrong, each message once: how often, what became of it, what can be done, and the guest's log. */

import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { ErrorGroup } from "@/api/types";
import { Panel } from "@/parts/Page";
import { Asked, Loading } from "@/parts/States";
import { count, counted } from "@/words/format";
import { plain } from "@/words/plain";
import { stateLook } from "@/words/states";
import styles from "./job.module.css";
import { unitOptions, useErrors } from "./query";
import type { JobView } from "./view";

/** What is said of a class that brings no message. */
const CLASSES: Record<string, string> = {
  lost: "node went away",
  time_limit: "took longer than its time limit",
  host_fault: "the computer failed it",
};

export function Errors({ job }: { job: JobView }) {
  const query = useErrors(job.id, job.goesOn);
  const items = query.data?.items ?? [];
  const attempts = items.reduce((sum, group) => sum + group.count, 0);
  const note =
    attempts > 0 ? `${counted(attempts, "attempt")}, ${counted(items.length, "message")}` : undefined;
  return (
    <Panel title="Errors" note={note}>
      <Asked query={query}>
        {({ items: groups }) =>
          groups.length === 0 ? (
            <p className="dim">None so far.</p>
          ) : (
            <ul className={styles.errors}>
              {groups.map((group) => (
                <Group key={`${group.class} ${group.state} ${group.message}`} job={job.id} group={group} />
              ))}
            </ul>
          )
        }
      </Asked>
    </Panel>
  );
}

function Group({ job, group }: { job: string; group: ErrorGroup }) {
  const [open, setOpen] = useState(false);
  const look = stateLook(group.state);
  const { stage, seq } = group.example;
  return (
    <li>
      <b style={{ color: `var(--t-${look.tone})` }}>{count(group.count)}×</b>
      <div>
        <code className="foreign">
          {group.message || (CLASSES[group.class] ?? group.class.replaceAll("_", " "))}
        </code>
        {group.help && <p className={styles.help}>{group.help}</p>}
        <div className={styles.more}>
          <Button size="compact-xs" onClick={() => setOpen(!open)} aria-expanded={open}>
            {open ? "Hide the log" : "Log"}
          </Button>
          <Link to="/jobs/$job/units/$stage/$seq" params={{ job, stage: String(stage), seq: String(seq) }}>
            unit {count(seq)}
          </Link>
        </div>
        {open && <Log job={job} stage={stage} seq={seq} />}
      </div>
      <span className="dim">{look.word}</span>
    </li>
  );
}

function Log(props: { job: string; stage: number; seq: number }) {
  const query = useQuery(unitOptions(props.job, props.stage, props.seq));
  return (
    <Asked query={query} loading={<Loading lines={2} height={12} />}>
      {({ log }) =>
        log ? (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
          <pre className={styles.log} tabIndex={0}>
            {plain(log)}
          </pre>
        ) : (
          <p className="dim small">This run wrote no log.</p>
        )
      }
    </Asked>
  );
}
