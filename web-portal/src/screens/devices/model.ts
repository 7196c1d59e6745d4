/** What a view gets of a device, from what the API sends. Pure. */
import type { Availability, Device } from "@/api/lending";

/** A device in the list. */
export type Row = {
  id: string;
  name: string;
  /** The state that is shown: an online device that works is `working`. */
  state: string;
  reason: string | undefined;
  does: string;
  today: number;
  pending: number;
  seenMs: number;
  machine: string;
};

/** What a device shows as its state: `online` says too little. Pure. */
export const stateOf = (info: Pick<Device, "state" | "working">): string =>
  info.state === "online" ? (info.working ? "working" : "idle") : info.state;

export function asRow(info: Device): Row {
  const state = stateOf(info);
  return {
    id: info.id,
    name: info.name,
    state,
    reason: reasonOf(info) || undefined,
    does: info.units_held > 0 ? `${info.units_held} of ${info.slots} slots` : "",
    today: info.earned_today ?? 0,
    pending: info.pending ?? 0,
    seenMs: info.seen_at_ms,
    machine: info.machine,
  };
}

/** The reason without its state before it: the badge says that already. Pure. */
export const reasonOf = (info: Pick<Device, "reason">): string =>
  (info.reason ?? "").replace(/^(paused|idle|working|finishing):\s*/i, "");

/** Shares of the 168 hours; none where an hour was looked at for less than five minutes. Pure. */
export const sharesOf = (availability: Availability): (number | undefined)[] =>
  availability.cells.map((cell) => (cell.seen_s < 300 ? undefined : cell.here_permille / 1000));

/** The hour of the week of a moment of this place, Monday 0:00 first. Pure. */
export function hourOfWeek(at: Date): number {
  return ((at.getDay() + 6) % 7) * 24 + at.getHours();
}

/**
 * When a device that is here is likely to leave: the first hour of the next day in which it is here less than half of
 * the time; when one that is away is likely to come, the other way round. None where that is not known, or where it is
 * here or away against its habit. Pure.
 */
export function turnsAt(
  shares: readonly (number | undefined)[],
  hour: number,
  here: boolean,
): number | undefined {
  const now = shares[hour];
  if (now === undefined || now >= 0.5 !== here) return undefined;
  for (let step = 1; step <= 24; step++) {
    const share = shares[(hour + step) % shares.length];
    if (share === undefined) return undefined;
    if (share >= 0.5 !== here) return (hour + step) % 24;
  }
  return undefined;
}

/** The command that lets a computer join this grid, with a code that is approved in the browser. */
export const joinCommands = (origin: string): string[] => [`fallow-node join ${origin}`, "fallow-node run"];
