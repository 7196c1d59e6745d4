/** What a device does now, when it is here, and its last day. */
import type { NodeDetail } from "@/api/lending";
import { Fact, Facts, Panel } from "@/parts/Page";
import { Asked, Loading } from "@/parts/States";
import { HeatMap } from "@/pictures/HeatMap";
import { Strip } from "@/pictures/Strip";
import { Age, Money, useNow } from "@/pictures/small";
import { clock, count, counted } from "@/words/format";
import styles from "./devices.module.css";
import { hourOfWeek, reasonOf, sharesOf, stateOf, turnsAt } from "./model";
import { useAvailability, useIntervals } from "./query";
import { standingWords } from "./standing";

export function Now({ detail }: { detail: NodeDetail }) {
  const { info } = detail;
  const { checks_passed = 0, results_wrong = 0 } = info;
  const standing = standingWords(info.standing);
  return (
    <Facts>
      <Fact label="Now" below={below(detail)} wide>
        <p className={`${styles.work} foreign`}>{work(detail)}</p>
      </Fact>
      <Fact
        label="Today"
        value={<Money micro={detail.earnings.today} />}
        unit="credits"
        below={
          detail.earnings.pending > 0 ? (
            <>
              <Money micro={detail.earnings.pending} /> held until checked
            </>
          ) : (
            "nothing held"
          )
        }
      />
      <Fact
        label="In all"
        value={<Money micro={detail.earnings.verified} />}
        unit="credits"
        below={`${count(info.units_done)} results`}
      />
      <Fact
        label="Spot checks"
        value={count(checks_passed)}
        unit={results_wrong > 0 ? `passed, ${count(results_wrong)} wrong` : "passed"}
        below={standing}
      />
    </Facts>
  );
}

function work({ info, doing }: NodeDetail): string {
  if (doing.length > 0)
    return doing.map(({ units, job_name }) => `${counted(units, "unit")} of ${job_name}`).join(", ");
  const words: Record<string, string> = {
    idle: "Ready; there is no work for it now",
    offline: "Not connected",
    paused: "Paused",
  };
  return words[stateOf(info)] ?? stateOf(info);
}

function below({ info, pause, preferences }: NodeDetail) {
  if (pause)
    return pause.finish
      ? "finishes what it has, then pauses"
      : pause.until_ms
        ? `until ${clock(pause.until_ms)}`
        : "until you resume it";
  if (info.state === "offline")
    return (
      <>
        last heard of <Age at={info.seen_at_ms} />
      </>
    );
  const reason = reasonOf(info);
  if (reason) return <span className="foreign">{reason}</span>;
  const share = preferences.effective.cpu_percent;
  return `${info.units_held} of ${counted(info.slots, "slot")}${share && share < 100 ? ` · the owner allows ${share} % of the processor` : ""}`;
}

/** The week, and what follows from it. */
export function When({ id, here }: { id: string; here: boolean }) {
  const availability = useAvailability(id);
  const hour = hourOfWeek(new Date(useNow()));
  const note = availability.data ? seen(availability.data.weeks_milli) : undefined;
  return (
    <Panel title="When it is here" note={note}>
      <Asked query={availability} loading={<Loading lines={7} height={22} />}>
        {(data) => {
          const shares = sharesOf(data);
          const turn = turnsAt(shares, hour, here);
          return (
            <>
              <HeatMap
                shares={shares}
                caption="Share of each hour of the week in which it was here"
                now={hour}
                words={(at) => {
                  const cell = data.cells[at];
                  return shares[at] === undefined || !cell
                    ? "not known yet"
                    : `here ${Math.round(cell.here_permille / 10)} %, working ${Math.round(cell.working_permille / 10)} %`;
                }}
              />
              {turn !== undefined && (
                <p className="dim small" style={{ marginTop: 6 }}>
                  {here ? "leaves" : "comes"} about {String(turn).padStart(2, "0")}:00, as in other weeks
                </p>
              )}
            </>
          );
        }}
      </Asked>
    </Panel>
  );
}

function seen(weeksMilli: number): string {
  const weeks = weeksMilli / 1000;
  if (weeks < 0.15) return "by hour of the week; it joined a short time ago";
  if (weeks < 1) return `share of each hour, seen for ${counted(Math.max(1, Math.round(weeks * 7)), "day")}`;
  return `share of each hour, seen for ${counted(Math.round(weeks), "week")}`;
}

export function LastDay({ id }: { id: string }) {
  const now = useNow();
  const { query, from_ms, to_ms } = useIntervals(id, now);
  return (
    <Panel title="The last 24 hours" note="offline · idle · working · paused, and why">
      <Asked query={query} loading={<Loading lines={1} height={20} />}>
        {({ items }) => <Strip spans={items} fromMs={from_ms} toMs={to_ms} label="The last 24 hours" />}
      </Asked>
    </Panel>
  );
}
