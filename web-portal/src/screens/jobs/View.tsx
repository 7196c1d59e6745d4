/** The list of jobs: what goes on with its progress, then what has ended, by day. */

import { Button, SegmentedControl } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { JobPhase } from "@/api/types";
import { useGridEvents } from "@/live/useGridEvents";
import { LinkButton } from "@/parts/LinkButton";
import { Page } from "@/parts/Page";
import { Empty, Failure, Loading, Stale } from "@/parts/States";
import { StateBar } from "@/pictures/StateBar";
import { Age, Money, StateBadge, useNow } from "@/pictures/small";
import { isJob } from "@/screens/job/query";
import { type JobView, took } from "@/screens/job/view";
import { count, counted, day, percent, rate } from "@/words/format";
import styles from "./jobs.module.css";
import { grouped, takeChange, useJobs } from "./query";

const PHASES = [
  { value: "all", label: "All" },
  { value: "running", label: "Running" },
  { value: "done", label: "Done" },
  { value: "failed", label: "Failed" },
  { value: "cancelled", label: "Cancelled" },
];

export function JobsView() {
  const { project, phase } = useSearch({ from: "/inside/jobs" });
  const navigate = useNavigate();
  const list = useJobs({ project, phase });
  const now = useNow();
  const { staleSince } = useGridEvents((name, data) => {
    if (name === "job" && isJob(data)) takeChange(data);
  });
  const jobs = list.data?.pages.flatMap((page) => page.items) ?? [];
  const groups = grouped(jobs, now, day);
  const choose = (value: string) =>
    navigate({
      to: "/jobs",
      search: { ...(project ? { project } : {}), ...(value === "all" ? {} : { phase: value as JobPhase }) },
      replace: true,
    });
  return (
    <Page
      title={project ?? "Jobs"}
      {...(project ? { crumbs: [{ text: "Projects", to: "/projects" }] } : {})}
      badge={<Stale since={staleSince} />}
      actions={
        <LinkButton to="/submit" variant="filled">
          New job
        </LinkButton>
      }
    >
      <SegmentedControl
        size="xs"
        mb="md"
        aria-label="Which jobs"
        value={phase ?? "all"}
        onChange={choose}
        data={PHASES}
      />
      {list.error ? <Failure error={list.error} retry={() => void list.refetch()} /> : null}
      {list.data === undefined && !list.error && <Loading lines={6} height={44} />}
      {list.data && jobs.length === 0 && <NoJobs filtered={phase !== undefined} />}
      {groups.map((group) => (
        <section key={group.title} className={styles.group}>
          <h2>
            {group.title} <span>{count(group.rows.length)}</span>
          </h2>
          <ul className={styles.list}>
            {group.rows.map((job) => (
              <Row key={job.id} job={job} now={now} />
            ))}
          </ul>
        </section>
      ))}
      {list.hasNextPage && (
        <Button onClick={() => void list.fetchNextPage()} loading={list.isFetchingNextPage}>
          Older jobs
        </Button>
      )}
    </Page>
  );
}

function Row({ job, now }: { job: JobView; now: number }) {
  return (
    <li className={styles.row}>
      <div className={styles.name}>
        <Link to="/jobs/$job" params={{ job: job.id }} className={styles.link}>
          {job.name}
        </Link>
        <span className="dim small">
          {job.project && <>{job.project} · </>}
          <span className="mono">{job.id}</span>
        </span>
      </div>
      <StateBadge state={job.look} word={job.badge} />
      <div className={styles.progress}>
        <StateBar counts={job.counts} thin />
        <span className="dim small num">{progressWords(job)}</span>
      </div>
      <div className={styles.time}>
        {job.goesOn ? (job.finishes ?? "no end known yet") : <Age at={job.endedAt ?? job.createdAt} />}
        <span className="dim small">{job.goesOn ? "" : `took ${took(job, now)}`}</span>
      </div>
      <div className={styles.money}>
        {job.budget === undefined ? null : (
          <>
            <Money micro={job.spent} />
            <span className="dim small">credits</span>
          </>
        )}
      </div>
    </li>
  );
}

function progressWords(job: JobView): string {
  if (job.units === 0) return job.goesOn ? "its units are being cut" : "no units";
  const all = `${percent(job.done, job.units)} of ${counted(job.units, "unit")}`;
  if (!job.goesOn || job.rateMilli === 0) return job.failed > 0 ? `${all}, ${count(job.failed)} failed` : all;
  return `${all} · ${rate(job.rateMilli).join(" ")}`;
}

function NoJobs({ filtered }: { filtered: boolean }) {
  if (filtered) return <Empty title="No job is like that">Choose another state above.</Empty>;
  const here = window.location.origin;
  return (
    <Empty
      title="No jobs yet"
      commands={[
        "fallow new hello && cd hello",
        `fallow login ${here}`,
        "fallow keygen && fallow submit --watch",
      ]}
      action={
        <LinkButton to="/submit" variant="filled">
          Or submit one from here
        </LinkButton>
      }
    >
      A job is a program and its data, cut into units that many computers work on. These commands make the
      first one:
    </Empty>
  );
}
