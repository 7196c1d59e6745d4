/** What the node's own page says. Pure. */
import type { Happened, NodeStatus, Observation } from "@/api/lending";
import { clock, counted, duration } from "@/words/format";

/** The state in one sentence: what it does now. */
export function sentence(status: NodeStatus): string {
  switch (status.state) {
    case "working":
      return `${counted(status.units.length, "unit")} of ${jobs(status)} ${status.units.length === 1 ? "runs" : "run"}`;
    case "idle":
      return "Ready, and waiting for work";
    case "paused":
      return "Paused";
    case "finishing":
      return "Finishing what has begun";
    case "offline":
      return "The grid is not reached";
  }
}

function jobs(status: NodeStatus): string {
  const names = [...new Set(status.units.map((unit) => unit.job_name))];
  return names.length > 2 ? counted(names.length, "job") : names.join(" and ");
}

/** The line below it: why, or until when. */
export function because(status: NodeStatus): string {
  const reason = (status.reason ?? "").replace(/^(paused|finishing|offline):\s*/i, "");
  const until = status.until_ms ? `until ${clock(status.until_ms)}` : "";
  return [reason, until].filter(Boolean).join(", ");
}

/** What the large button will do, before it is pressed. */
export function willDo(status: NodeStatus): string {
  if (status.state === "paused") return "Work goes on where it stood.";
  if (status.units.length > 0)
    return "Everything here stands still at once. Nothing is lost: units go on when you resume, or elsewhere.";
  return "No work comes until you resume.";
}

/** What happened, in words. */
export function happened(one: Happened): string {
  const words: Record<string, string> = {
    online: "connected to the grid",
    offline: "lost the grid",
    paused: "paused",
    finishing: "finished its units to pause",
    resumed: "worked again",
    leaving: "was stopped",
  };
  const why = one.why?.replace(/^(paused|finishing|offline):\s*/i, "");
  return `${words[one.what] ?? one.what}${why ? `: ${why}` : ""}`;
}

/** What the computer tells of itself, as far as it does. */
export function observed(seen: Observation | undefined): string[] {
  if (!seen) return [];
  const power =
    seen.on_battery === undefined || seen.on_battery === null
      ? []
      : [
          seen.on_battery
            ? `on battery${seen.charge_percent == null ? "" : `, ${seen.charge_percent} %`}`
            : "on mains",
        ];
  return [
    ...power,
    ...(seen.idle_s == null ? [] : [`last used ${duration(seen.idle_s * 1000)} ago`]),
    ...(seen.others_cpu_percent == null ? [] : [`others use ${seen.others_cpu_percent} % of the processor`]),
    ...(seen.temperature_c == null ? [] : [`${seen.temperature_c} °C`]),
    ...(seen.metered ? ["metered network"] : []),
    ...(seen.programs?.length ? [`${seen.programs.join(", ")} runs`] : []),
  ];
}
