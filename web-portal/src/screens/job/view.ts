/** A job as pages show it, made of what the API sends. Pure. */
import type { Counts, Job, JobPhase } from "@/api/types";
import { duration, finishes } from "@/words/format";

export type JobView = {
  id: string;
  name: string;
  project: string | undefined;
  phase: JobPhase;
  /** Short word where the phase alone would mislead, and the state whose colour it has. */
  badge: string;
  look: string;
  counts: Counts;
  units: number;
  /** Whether all units exist by now. */
  whole: boolean;
  done: number;
  /** Units that somebody might have tried again. */
  failed: number;
  goesOn: boolean;
  /** When it ends, as a span of clock times; none where nothing is known or it has ended. */
  finishes: string | undefined;
  createdAt: number;
  endedAt: number | undefined;
  rateMilli: number;
  nodes: number;
  spent: number;
  held: number;
  budget: number | undefined;
  /** What it will have spent, going by what is done; none where too little is. */
  likely: number | undefined;
  error: string | undefined;
  notice: string | undefined;
  waitingFor: string | undefined;
  result: { bytes: number; kind: string } | undefined;
  fuel: number;
};

const PHASES_ENDED: readonly string[] = ["done", "failed", "cancelled"];
/** Share of the units that must be done before the rest is guessed from them. */
const LIKELY_FROM = 0.02;

export const sum = (counts: Counts): number => Object.values(counts).reduce((all, n) => all + n, 0);

/** What a page shows of a job at `nowMs`. */
export function toView(job: Job, nowMs: number): JobView {
  const units = sum(job.counts);
  const goesOn = !PHASES_ENDED.includes(job.phase);
  const ready = job.counts.done + job.counts.failed + job.counts.left_out;
  const spent = job.spent ?? 0;
  const share = units > 0 && job.split_done ? ready / units : 0;
  return {
    id: job.id,
    name: job.name,
    project: job.project ?? undefined,
    phase: job.phase,
    badge: goesOn && job.waiting_for ? `waits for ${job.waiting_for}` : job.phase,
    look: goesOn && job.waiting_for ? "paused" : job.phase,
    counts: job.counts,
    units,
    whole: job.split_done,
    done: job.counts.done,
    failed: job.counts.failed + job.counts.left_out,
    goesOn,
    finishes: goesOn ? span(job.eta_s, nowMs) : undefined,
    createdAt: job.created_at_ms,
    endedAt: job.ended_at_ms ?? undefined,
    rateMilli: job.rate_milli,
    nodes: job.nodes,
    spent,
    held: job.held ?? 0,
    budget: job.budget ?? undefined,
    likely: goesOn && share >= LIKELY_FROM ? Math.round((spent + (job.held ?? 0)) / share) : undefined,
    error: job.error ?? undefined,
    notice: job.notice ?? undefined,
    waitingFor: job.waiting_for ?? undefined,
    result: job.result ? { bytes: job.result.len, kind: job.result.assemble } : undefined,
    fuel: job.fuel,
  };
}

function span(eta: readonly number[] | null | undefined, nowMs: number): string | undefined {
  const [from, to] = eta ?? [];
  return from === undefined || to === undefined ? undefined : finishes(from, to, nowMs);
}

/** How long it has taken, or took. */
export const took = (view: JobView, nowMs: number): string =>
  duration((view.endedAt ?? nowMs) - view.createdAt);
