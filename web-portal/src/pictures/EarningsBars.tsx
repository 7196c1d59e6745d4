/** What a device earned by day: paid, and held until checked. */
import type { EarningsDay } from "@/api/lending";
import { counted, credits, day } from "@/words/format";
import { type Bar, Bars } from "./Bars";

export const earningsBar = (of: EarningsDay): Bar => ({
  words: `${day(of.day_ms)}: ${credits(of.paid + of.checks)} earned${of.held > 0 ? `, ${credits(of.held)} held` : ""}`,
  parts: [
    { value: of.paid + of.checks, tone: "done" },
    { value: of.held, tone: "check" },
  ],
});

/** Days in bars, with the first and last of them below. */
export function EarningsBars({ days }: { days: readonly EarningsDay[] }) {
  const all = days.reduce((sum, of) => sum + of.paid + of.checks, 0);
  const ends = [days[0], days.at(-1)].flatMap((of) => (of ? [day(of.day_ms)] : []));
  return (
    <Bars
      bars={days.map(earningsBar)}
      label={`${credits(all)} credits earned in ${counted(days.length, "day")}`}
      axis={ends}
    />
  );
}
