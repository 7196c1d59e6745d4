/** The account's statement: what came in, what went out. */
import { $api, api } from "@/api/client";
import { usePages } from "@/api/pages";
import type { Movement } from "@/api/types";
import type { Bar } from "@/pictures/Bars";
import { credits, day } from "@/words/format";

const DAY_MS = 86_400_000;

export const useBalance = () => $api.useQuery("get", "/api/v1/credits", {});
export const useGrid = () => $api.useQuery("get", "/api/v1/grid", {}, { staleTime: 600_000 });

export const useStatement = () =>
  usePages<Movement>(["get", "/api/v1/credits/statement"], (page) =>
    api.GET("/api/v1/credits/statement", { params: { query: { limit: 100, ...page } } }),
  );

export type DayFlow = { dayMs: number; came: number; went: number };

/** What came and what went by day of this place, oldest first, without holes: at most `days` of them up to today. */
export function flows(movements: readonly Movement[], nowMs: number, days: number): DayFlow[] {
  const midnight = (ms: number) => new Date(ms).setHours(0, 0, 0, 0);
  const today = midnight(nowMs);
  // Noon is in the same day whatever the clocks do in the night.
  const list = Array.from({ length: days }, (_, n) => ({
    dayMs: midnight(today + DAY_MS / 2 - (days - 1 - n) * DAY_MS),
    came: 0,
    went: 0,
  }));
  const byDay = new Map(list.map((flow) => [flow.dayMs, flow]));
  for (const movement of movements) {
    if (movement.state !== "moved") continue;
    const flow = byDay.get(midnight(movement.at_ms));
    if (!flow) continue;
    if (movement.amount >= 0) flow.came += movement.amount;
    else flow.went -= movement.amount;
  }
  return list;
}

export const flowBar = (flow: DayFlow): Bar => ({
  words: `${day(flow.dayMs)}: ${credits(flow.came)} came, ${credits(flow.went)} went`,
  parts: [{ value: flow.came, tone: "done" }],
  below: [{ value: flow.went, tone: "run" }],
});

const CAUSES: Record<string, string> = {
  budget: "budget of a job",
  refund: "back from a job",
  pay: "pay for work",
  grant: "given by the operator",
  allowance: "a newcomer's allowance",
};

export const causeWords = (cause: string): string => CAUSES[cause] ?? cause.replaceAll("_", " ");
