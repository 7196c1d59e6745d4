/** How every part of the grid is. */
import { Asked, Empty } from "@/parts/States";
import { Age, StateBadge } from "@/pictures/small";
import { Frame } from "./Frame";
import styles from "./grid.module.css";
import { useHealth } from "./query";

export function HealthView() {
  const health = useHealth();
  return (
    <Frame title="Health">
      <Asked query={health}>
        {({ parts }) =>
          parts.length === 0 ? (
            <Empty title="No part says how it is" />
          ) : (
            <ul className={styles.health}>
              {[...parts]
                .sort((a, b) => Number(a.ok) - Number(b.ok))
                .map((part) => (
                  <li key={part.name} className={styles.part} data-ok={part.ok}>
                    <b>
                      {part.name}{" "}
                      <StateBadge state={part.ok ? "done" : "failed"} word={part.ok ? "well" : "trouble"} />
                    </b>
                    <span className="foreign">{part.text}</span>
                    {part.since_ms ? (
                      <span className="dim small">
                        since <Age at={part.since_ms} />
                      </span>
                    ) : null}
                  </li>
                ))}
            </ul>
          )
        }
      </Asked>
    </Frame>
  );
}
