/** My projects: each a card with how its jobs are, newest work first. */
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ProjectInfo } from "@/api/types";
import { useGridEvents } from "@/live/useGridEvents";
import { Page } from "@/parts/Page";
import { Empty, Failure, Loading, Stale } from "@/parts/States";
import { Age, Money } from "@/pictures/small";
import { counted } from "@/words/format";
import styles from "./projects.module.css";
import { useProjects } from "./query";

export function ProjectsView() {
  const list = useProjects();
  const { staleSince } = useGridEvents((name) => {
    if (name === "job" && !list.isFetching) void list.refetch();
  });
  const projects = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page title="Projects" badge={<Stale since={staleSince} />}>
      {list.error ? <Failure error={list.error} retry={() => void list.refetch()} /> : null}
      {list.data === undefined && !list.error && <Loading lines={3} height={90} />}
      {list.data && projects.length === 0 && (
        <Empty title="No projects yet" commands={['fallow submit --project "Colon study"']}>
          A project puts jobs together: what they cost, what is done, what failed. Name one when you submit a
          job, or write it into <code>fallow.toml</code>.
        </Empty>
      )}
      <ul className={styles.cards}>
        {projects.map((project) => (
          <Card key={project.name} project={project} />
        ))}
      </ul>
      {list.hasNextPage && (
        <Button mt="md" onClick={() => void list.fetchNextPage()} loading={list.isFetchingNextPage}>
          More projects
        </Button>
      )}
    </Page>
  );
}

function Card({ project }: { project: ProjectInfo }) {
  const other = project.jobs - project.running - project.done - project.failed;
  const counts = {
    done: project.done,
    running: project.running,
    failed: project.failed,
    waiting: Math.max(0, other),
    checking: 0,
    again: 0,
    left_out: 0,
  };
  return (
    <li className={styles.card}>
      <Link to="/jobs" search={{ project: project.name }} className={styles.link}>
        {project.name || "without a project"}
      </Link>
      <Jobs counts={counts} />
      <div className={styles.foot}>
        <span>
          {counted(project.jobs, "job")} · last <Age at={project.last_at_ms} />
        </span>
        {project.spent > 0 && <Money micro={project.spent} unit />}
      </div>
    </li>
  );
}

/** A cell a job, up to a number where only shares can be told. */
function Jobs({ counts }: { counts: { done: number; running: number; failed: number; waiting: number } }) {
  const kinds = [
    ["running", counts.running, "run"],
    ["failed", counts.failed, "fail"],
    ["done", counts.done, "done"],
    ["cancelled", counts.waiting, "wait"],
  ] as const;
  const all = kinds.reduce((sum, [, n]) => sum + n, 0);
  const words = kinds.filter(([, n]) => n > 0).map(([word, n]) => `${n} ${word}`);
  return (
    <>
      <div className={styles.cells} role="img" aria-label={words.join(", ")}>
        {all <= 120
          ? kinds.flatMap(([word, n, tone]) =>
              Array.from({ length: n }, (_, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: cells have no identity
                <i key={`${word}${i}`} style={{ background: `var(--s-${tone})` }} />
              )),
            )
          : kinds.map(([word, n, tone]) => (
              <b key={word} style={{ flexGrow: n, background: `var(--s-${tone})` }} />
            ))}
      </div>
      <p className="dim small">{words.join(" · ")}</p>
    </>
  );
}
