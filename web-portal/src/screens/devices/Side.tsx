/** Earnings over time; the programs that run here; the computer itself. */
import type { ReactNode } from "react";
import type { Doing, NodeDetail } from "@/api/lending";
import { filled } from "@/parts/form/checks";
import { Area } from "@/parts/form/Form";
import { Secure } from "@/parts/form/Secure";
import { Panel } from "@/parts/Page";
import { Asked, Loading } from "@/parts/States";
import { EarningsBars } from "@/pictures/EarningsBars";
import { StateBadge } from "@/pictures/small";
import { bytes, counted, day, short } from "@/words/format";
import styles from "./devices.module.css";
import { report, useEarnings } from "./query";

export function Earned({ id }: { id: string }) {
  const earnings = useEarnings(id);
  return (
    <Panel title="Earned" note="last 14 days: paid, and held until checked">
      <Asked query={earnings} loading={<Loading lines={1} height={110} />}>
        {({ items }) =>
          items.some((of) => of.paid + of.checks + of.held > 0) ? (
            <EarningsBars days={items} />
          ) : (
            <p className="dim">Nothing yet. Pay comes as results are checked.</p>
          )
        }
      </Asked>
    </Panel>
  );
}

/** Programs of others that have units here now; each can be reported. */
export function Working({ detail }: { detail: NodeDetail }) {
  return (
    <Panel title="What runs here now" note="walled off: no files of yours, no network">
      {detail.doing.length === 0 ? (
        <p className="dim">Nothing.</p>
      ) : (
        <ul className={styles.doing}>
          {detail.doing.map((one) => (
            <li key={`${one.module} ${one.job_name}`}>
              <span>
                <b className="foreign">{one.job_name}</b>{" "}
                {one.own && <StateBadge state="idle" word="yours" />}
                <span className="dim">
                  {" "}
                  {counted(one.units, "unit")} · program{" "}
                  <span className="mono">{short(one.module, 10, 4)}</span>
                </span>
              </span>
              {!one.own && <Reporting of={one} />}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Reporting({ of }: { of: Doing }) {
  return (
    <Secure
      label="Report"
      aria={`Report ${of.job_name}`}
      compact
      says="The operator looks at it, and can stop it everywhere. Its author is not told who wrote."
      checks={{ text: filled("What is wrong") }}
      act={({ text = "" }) => report(of.module, text.trim())}
    >
      <Area
        name="text"
        label="What is wrong with this program?"
        maxLength={4000}
        minRows={4}
        autosize
        data-autofocus
      />
    </Secure>
  );
}

export function Machine({ detail, actions }: { detail: NodeDetail; actions: ReactNode }) {
  const { machine, info } = detail;
  const rows: [string, string][] = [
    [
      "processor",
      `${machine.cpu || "not known"}${machine.cores ? ` · ${counted(machine.cores, "core")}` : ""}`,
    ],
    ["memory", machine.memory_bytes ? bytes(machine.memory_bytes) : "not known"],
    ["free disk", machine.disk_bytes ? bytes(machine.disk_bytes) : "not known"],
    ["system", [machine.os, machine.arch].filter(Boolean).join(" · ") || "not known"],
    ["fallow-node", machine.version || "not known"],
    ["joined", detail.joined_at_ms ? day(detail.joined_at_ms) : "not known"],
    ["results", `${info.units_done}`],
  ];
  return (
    <Panel title="The computer">
      <dl className={styles.machine}>
        {rows.map(([label, value]) => (
          <div key={label} style={{ display: "contents" }}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {actions}
    </Panel>
  );
}
