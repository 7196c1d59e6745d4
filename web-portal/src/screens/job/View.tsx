/** The page of a job. Its picture is the map of all units: how far it is, and what goes wrong where. */
import { useNavigate, useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import { Columns, Fact, Facts, Page, Panel, Stack } from "@/parts/Page";
import { Failure, Loading, Stale } from "@/parts/States";
import { MapView } from "@/pictures/map/MapView";
import { RateLine } from "@/pictures/RateLine";
import { StateBar, StateLegend } from "@/pictures/StateBar";
import { Money, StateBadge, useNow } from "@/pictures/small";
import { clock, counted, credits, day, fuel, rate } from "@/words/format";
import { Actions } from "./Actions";
import { Errors } from "./Errors";
import { Nodes } from "./Nodes";
import { type LiveJob, useLiveJob, useTimeline } from "./query";
import { Result } from "./Result";
import { Timeline } from "./Timeline";
import { UnitWords } from "./UnitWords";
import { type JobView as Shown, took, toView } from "./view";
import { Why } from "./Why";

const WORK = 1;

export function JobView() {
  const { job: id } = useParams({ from: "/inside/jobs/$job" });
  const live = useLiveJob(id);
  const now = useNow();
  const { data } = live.job;
  const view = useMemo(() => (data ? toView(data, now) : undefined), [data, now]);
  if (!view) {
    return (
      <Page title={id} crumbs={[{ text: "Jobs", to: "/jobs" }]}>
        {live.job.error ? (
          <Failure error={live.job.error} retry={() => void live.job.refetch()} />
        ) : (
          <Loading lines={8} height={40} />
        )}
      </Page>
    );
  }
  const crumbs = [
    { text: "Jobs", to: "/jobs" },
    ...(view.project ? [{ text: view.project, to: "/jobs", search: { project: view.project } }] : []),
    { text: view.id },
  ];
  return (
    <Page
      title={view.name}
      crumbs={crumbs}
      badge={
        <>
          <StateBadge state={view.look} word={view.badge} />
          <Stale since={live.staleSince} />
        </>
      }
      actions={<Actions job={view} />}
    >
      <Notices job={view} />
      <Strip job={view} now={now} rates={live.rates} />
      <Columns>
        <Stack>
          <Units id={id} live={live} job={view} />
          <Timeline id={id} job={view} />
        </Stack>
        <Stack>
          <Result job={view} />
          {view.goesOn && view.counts.waiting + view.counts.again > 0 && <Why job={view} />}
          <Errors job={view} />
          {view.goesOn && <Nodes job={view} />}
        </Stack>
      </Columns>
    </Page>
  );
}

function Notices({ job }: { job: Shown }) {
  const texts = [job.error, job.notice].filter((text) => text !== undefined);
  return texts.map((text) => (
    <Panel key={text} className="notice">
      <p className="foreign">{text}</p>
    </Panel>
  ));
}

function Strip({ job, now, rates }: { job: Shown; now: number; rates: readonly number[] }) {
  const timeline = useTimeline(job.id, job.goesOn).data;
  const [value, unit] = rate(job.rateMilli);
  const history = timeline && timeline.done.length > 2 ? timeline.done : rates;
  return (
    <Facts>
      <Fact
        label={job.whole ? counted(job.units, "unit") : `${counted(job.units, "unit")}, more are being cut`}
        wide
      >
        <StateBar counts={job.counts} />
        <StateLegend counts={job.counts} />
      </Fact>
      {job.goesOn ? (
        <Fact
          label="Finishes"
          value={job.finishes ?? "–"}
          below={`${job.finishes ? "" : "not known yet · "}${took(job, now)} so far`}
        />
      ) : (
        <Fact label="Took" value={took(job, now)} below={ended(job)} />
      )}
      {job.goesOn ? (
        <Fact label="Rate" value={value} unit={unit}>
          <RateLine values={history} label={`Units done over time, now ${value} ${unit}`} />
        </Fact>
      ) : (
        <Fact label="Fuel" value={fuel(job.fuel)} below="of all runs that count" />
      )}
      {job.budget !== undefined && (
        <Fact
          label="Spent"
          value={<Money micro={job.spent} />}
          unit={`of ${credits(job.budget)} credits`}
          below={[
            job.held > 0 && `${credits(job.held)} held until checked`,
            job.likely !== undefined && `likely ${credits(job.likely)} in all`,
          ]
            .filter(Boolean)
            .join(" · ")}
        />
      )}
    </Facts>
  );
}

const ended = (job: Shown) =>
  job.endedAt === undefined ? "" : `ended ${day(job.endedAt)}, ${clock(job.endedAt)}`;

function Units({ id, live, job }: { id: string; live: LiveJob; job: Shown }) {
  const navigate = useNavigate();
  const open = (seq: number) =>
    navigate({
      to: "/jobs/$job/units/$stage/$seq",
      params: { job: id, stage: String(WORK), seq: String(seq) },
    });
  return (
    <Panel title="Units" note="colour is state · click for its attempts">
      {live.mapError && !live.mapReady ? <Failure error={live.mapError} /> : null}
      {!live.mapReady && !live.mapError && <Loading lines={3} height={120} />}
      {live.mapReady && job.units === 0 && (
        <p className="dim">{job.goesOn ? "The units are being cut." : "It had no units."}</p>
      )}
      {live.mapReady && job.units > 0 && (
        <MapView map={live.map} onOpen={open} more={(seq) => <UnitWords id={id} stage={WORK} seq={seq} />} />
      )}
    </Panel>
  );
}
