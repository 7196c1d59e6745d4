/** Who works on it now: a cell a node, filled by its share of the units that are out. */
import { useState } from "react";
import type { NodeAtWork } from "@/api/types";
import { Panel } from "@/parts/Page";
import { Asked } from "@/parts/States";
import { useNow } from "@/pictures/small";
import { age, count, counted } from "@/words/format";
import styles from "./job.module.css";
import { useNodes } from "./query";
import type { JobView } from "./view";

/** Cells shown; more nodes are only counted. */
const CELLS = 192;

export function Nodes({ job }: { job: JobView }) {
  const query = useNodes(job.id, job.goesOn);
  const now = useNow();
  const [pointed, setPointed] = useState<NodeAtWork>();
  return (
    <Panel title="Nodes at work" note={query.data && count(query.data.items.length)}>
      <Asked query={query}>
        {({ items }) => {
          if (items.length === 0) return <p className="dim">None at the moment.</p>;
          const busy = Math.max(...items.map((node) => node.units || node.done), 1);
          return (
            <>
              <ul className={styles.nodes}>
                {items.slice(0, CELLS).map((node) => (
                  <li
                    key={node.name}
                    data-own={node.own}
                    onPointerEnter={() => setPointed(node)}
                    onPointerLeave={() => setPointed(undefined)}
                  >
                    <i style={{ height: `${Math.max(8, ((node.units || node.done) / busy) * 100)}%` }} />
                    <span className="hidden">{words(node, now)}</span>
                  </li>
                ))}
              </ul>
              <p className={`${styles.pointed} foreign`}>{pointed ? words(pointed, now) : summary(items)}</p>
            </>
          );
        }}
      </Asked>
    </Panel>
  );
}

const words = (node: NodeAtWork, now: number) =>
  `${node.name}${node.own ? " (yours)" : ""}: ${counted(node.units, "unit")} now, ${count(node.done)} done, ` +
  `here since ${age(node.since_ms, now)}`;

function summary(items: NodeAtWork[]): string {
  const own = items.filter((node) => node.own).length;
  const units = items.reduce((sum, node) => sum + node.units, 0);
  const whose = own === 0 ? "none of them yours" : own === items.length ? "all yours" : `${count(own)} yours`;
  return `${counted(units, "unit")} out, ${whose}`;
}
