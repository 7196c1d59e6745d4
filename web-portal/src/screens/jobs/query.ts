/** What the list of jobs asks, and what a row of it shows. */
import type { InfiniteData } from "@tanstack/react-query";
import { api } from "@/api/client";
import { usePages } from "@/api/pages";
import type { Counts, Job, JobPhase, Page } from "@/api/types";
import { queries } from "@/app/Providers";
import { type JobView, toView } from "@/screens/job/view";

const ROWS = 50;

export type Filter = { project?: string | undefined; phase?: JobPhase | undefined };

/** All pages that were loaded so far. */
export const useJobs = (filter: Filter) =>
  usePages<Job>(["get", "/api/v1/jobs", filter], (page) =>
    api.GET("/api/v1/jobs", {
      params: {
        query: {
          limit: ROWS,
          ...page,
          ...(filter.project === undefined ? {} : { project: filter.project }),
          ...(filter.phase === undefined ? {} : { phase: filter.phase }),
        },
      },
    }),
  );

/** Put a changed job into every list that shows it; a new one makes the lists ask again. */
export function takeChange(job: Job): void {
  let known = false;
  queries.setQueriesData<InfiniteData<Page<Job>>>({ queryKey: ["get", "/api/v1/jobs"] }, (data) => {
    if (!data?.pages?.some?.((page) => page.items.some(({ id }) => id === job.id))) return data;
    known = true;
    const change = (old: Job) => (old.id === job.id ? { ...old, ...job } : old);
    return { ...data, pages: data.pages.map((page) => ({ ...page, items: page.items.map(change) })) };
  });
  if (!known) void queries.invalidateQueries({ queryKey: ["get", "/api/v1/jobs"] });
}

export type Group = { title: string; rows: JobView[] };

/** Running jobs first, then what has ended, by the day of its end. `nowMs` says what is today. */
export function grouped(jobs: readonly Job[], nowMs: number, dayOf: (ms: number) => string): Group[] {
  const groups = new Map<string, JobView[]>();
  const add = (title: string, job: Job) => {
    const rows = groups.get(title) ?? [];
    rows.push(toView(job, nowMs));
    groups.set(title, rows);
  };
  const goesOn = (job: Job) => job.ended_at_ms == null;
  for (const job of jobs.filter(goesOn)) add("Going on", job);
  const today = dayOf(nowMs);
  const ended = jobs
    .filter((job) => !goesOn(job))
    .sort((a, b) => (b.ended_at_ms ?? 0) - (a.ended_at_ms ?? 0));
  for (const job of ended) {
    const day = dayOf(job.ended_at_ms ?? 0);
    add(day === today ? "Ended today" : `Ended ${day}`, job);
  }
  return [...groups].map(([title, rows]) => ({ title, rows }));
}

/** Sum over the states. */
export const total = (counts: Counts): number => Object.values(counts).reduce((sum, n) => sum + n, 0);

export const cancel = (id: string) => api.POST("/api/v1/jobs/{id}/cancel", { params: { path: { id } } });
