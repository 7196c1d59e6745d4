/** A unit as its page shows it. */
import { useQuery } from "@tanstack/react-query";
import type { Attempt, Outcome, UnitDetail } from "@/api/types";
import { unitOptions } from "@/screens/job/query";

export type UnitShown = {
  state: string;
  attempts: Attempt[];
  fuel: number;
  wallMs: number;
  memory: number;
  input: number;
  output: number;
  log: string | undefined;
  message: string | undefined;
  goesOn: boolean;
};

const SETTLED = ["done", "failed", "left_out"];

export function toShown(detail: UnitDetail): UnitShown {
  const { unit } = detail;
  const outcome = unit.outcome;
  const message = detail.message ?? (outcome && "message" in outcome ? outcome.message : undefined);
  return {
    state: unit.state,
    attempts: detail.attempts,
    fuel: unit.fuel,
    wallMs: unit.wall_us / 1000,
    memory: unit.memory_bytes,
    input: detail.input_bytes,
    output: unit.output_bytes,
    log: detail.log || undefined,
    message: message || undefined,
    goesOn: !SETTLED.includes(unit.state),
  };
}

/** How an attempt ended, in a word or two. */
export function outcomeWords(outcome: Outcome | null | undefined): string {
  if (!outcome) return "runs";
  if (outcome.class === "limit") return `${outcome.limit} limit`;
  const words: Record<string, string> = {
    guest_error: "its own error",
    time_limit: "time limit",
    host_fault: "the computer failed it",
  };
  return words[outcome.class] ?? outcome.class;
}

export function useUnit(job: string, stage: number, seq: number) {
  return useQuery({
    ...unitOptions(job, stage, seq),
    select: toShown,
    refetchInterval: (query) => {
      const state = query.state.data?.unit.state;
      return state && !SETTLED.includes(state) ? 2000 : false;
    },
  });
}
