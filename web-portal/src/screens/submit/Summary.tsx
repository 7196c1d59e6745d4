/** What it would be, before anything is paid: units, price, time; then the word to begin. */
import { Button, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import type { JobDraft, Submission } from "@/api/types";
import { Panel, Stack } from "@/parts/Page";
import { Asked, Failure, Loading } from "@/parts/States";
import { bytes, counted, credits, duration } from "@/words/format";
import type { Form, Wrong } from "./form";
import { submitJob, useDraft, useGridInfo } from "./query";
import styles from "./submit.module.css";
import type { Change } from "./View";

type Props = { form: Form; change: Change; submission: Submission | undefined; wrong: Wrong };

const STILL_MS = 400;

export function Summary({ form, change, submission, wrong }: Props) {
  const grid = useGridInfo();
  const [asked] = useDebouncedValue(submission, STILL_MS);
  const draft = useDraft(submission && asked);
  return (
    <Stack>
      <Panel title="What it will be" note="nothing is paid yet">
        {submission ? (
          <Asked query={draft} loading={<Loading lines={3} />}>
            {(data) => <Draft draft={data} costs={grid.data?.credits === true} />}
          </Asked>
        ) : (
          <p className="dim">{firstWrong(wrong)}</p>
        )}
      </Panel>
      <Panel title="Begin">
        <div className={styles.rows}>
          <TextInput
            label="Name"
            maxLength={100}
            value={form.name}
            onChange={(event) => change({ name: event.currentTarget.value })}
          />
          <TextInput
            label="Project"
            description="puts jobs together; may be left empty"
            maxLength={100}
            value={form.project}
            onChange={(event) => change({ project: event.currentTarget.value })}
          />
          {grid.data?.credits && form.runOn !== "own" && (
            <TextInput
              label="Budget, credits"
              description={suggestion(draft.data)}
              inputMode="decimal"
              maxLength={17}
              value={form.budget}
              onChange={(event) => change({ budget: event.currentTarget.value })}
              error={wrong.budget}
            />
          )}
          <Begin submission={submission} draft={draft.data} />
        </div>
      </Panel>
    </Stack>
  );
}

const firstWrong = (wrong: Wrong) => {
  const first = wrong.program ?? wrong.files ?? Object.values(wrong)[0];
  return first ? `First: ${first}.` : "";
};

function suggestion(draft: JobDraft | undefined): string {
  const suggested = draft?.price.budget_suggested;
  return suggested
    ? `${credits(suggested)} covers it; what is not spent comes back`
    : "what is not spent comes back";
}

function Draft({ draft, costs }: { draft: JobDraft; costs: boolean }) {
  const { units, price, seconds, first, problems } = draft;
  return (
    <>
      <dl className={styles.draft}>
        <dt>Units</dt>
        <dd>
          {units.count > 0
            ? `${units.exact ? "" : "about "}${counted(units.count, "unit")}`
            : "known once its split has run"}
        </dd>
        {costs && (
          <>
            <dt>Price</dt>
            <dd>{span(price.total_from, price.total_to, credits, "known after its first job")}</dd>
          </>
        )}
        <dt>Time</dt>
        <dd>
          {span(seconds.from, seconds.to, (secs) => duration(secs * 1000), "known after its first job")}
        </dd>
      </dl>
      {first.length > 0 && (
        <ol className={styles.first}>
          {first.slice(0, 3).map((unit) => (
            <li key={unit.seq}>
              <span className="dim num">
                unit {unit.seq} · {bytes(unit.bytes)}
              </span>
              {unit.text && <pre>{unit.text}</pre>}
            </li>
          ))}
        </ol>
      )}
      {problems.map((problem) => (
        <p key={problem.field + problem.text} className={styles.wrong}>
          <b>{problem.field}</b>: {problem.text}
        </p>
      ))}
    </>
  );
}

function span(
  from: number | null | undefined,
  to: number | null | undefined,
  words: (n: number) => string,
  unknown: string,
): string {
  if (from == null || to == null) return unknown;
  const [a, b] = [words(from), words(to)];
  return a === b ? a : `${a} to ${b}`;
}

function Begin({ submission, draft }: { submission: Submission | undefined; draft: JobDraft | undefined }) {
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  // The same submission keeps its key, so that pressing again after a broken answer makes no second job.
  const key = useRef({ of: "", key: "" });
  const begin = async () => {
    if (!submission) return;
    const of = JSON.stringify(submission);
    if (key.current.of !== of) key.current = { of, key: crypto.randomUUID() };
    setBusy(true);
    setError(undefined);
    try {
      const job = await submitJob(submission, key.current.key);
      await navigate({ to: "/jobs/$job", params: { job } });
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  const refused = (draft?.problems.length ?? 0) > 0;
  return (
    <>
      {error ? <Failure error={error} /> : null}
      <Button
        variant="filled"
        size="sm"
        disabled={!submission || refused}
        loading={busy}
        onClick={() => void begin()}
      >
        Submit
      </Button>
    </>
  );
}
