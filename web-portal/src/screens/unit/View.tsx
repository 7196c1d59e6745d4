/** One unit: where it was tried, how each try ended and what was thought of it, what it used, what it wrote. */

import { Button, Table } from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { save } from "@/api/save";
import { LinkButton } from "@/parts/LinkButton";
import { Fact, Facts, Page, Panel, Stack } from "@/parts/Page";
import { Asked, Failure } from "@/parts/States";
import { Wide } from "@/parts/Wide";
import { Age, StateBadge } from "@/pictures/small";
import { useJob, useNodeName } from "@/screens/job/query";
import { bytesSplit, count, duration, fuel } from "@/words/format";
import { plain } from "@/words/plain";
import { outcomeWords, type UnitShown, useUnit } from "./query";
import styles from "./unit.module.css";

const STAGES = ["the job's own split", "the work"];

export function UnitView() {
  const params = useParams({ from: "/inside/jobs/$job/units/$stage/$seq" });
  const { job: id } = params;
  const [stage, seq] = [Number(params.stage), Number(params.seq)];
  const job = useJob(id);
  const unit = useUnit(id, stage, seq);
  const all = Object.values(job.data?.counts ?? {}).reduce((sum, n) => sum + n, 0);
  const to = (other: number) => ({
    to: "/jobs/$job/units/$stage/$seq" as const,
    params: { job: id, stage: params.stage, seq: String(other) },
  });
  return (
    <Page
      title={`unit ${count(seq)}`}
      crumbs={[
        { text: "Jobs", to: "/jobs" },
        { text: job.data?.name ?? id, to: `/jobs/${id}` },
        { text: STAGES[stage] ?? `merge, level ${stage - 1}` },
      ]}
      badge={unit.data && <StateBadge state={unit.data.state} />}
      actions={
        <>
          {seq > 0 && <LinkButton {...to(seq - 1)}>Previous</LinkButton>}
          {(stage !== 1 || seq + 1 < all) && <LinkButton {...to(seq + 1)}>Next</LinkButton>}
        </>
      }
    >
      <Asked query={unit}>
        {(shown) => (
          <>
            <Used shown={shown} />
            <Stack>
              {shown.message && (
                <Panel title="What it said">
                  <code className="foreign">{shown.message}</code>
                </Panel>
              )}
              <Attempts shown={shown} />
              <Output
                shown={shown}
                path={`/api/v1/jobs/${id}/units/${stage}/${seq}/output`}
                name={`${id}-${stage}-${seq}`}
              />
              <Panel title="Log" note="of its last try, as the program wrote it">
                {shown.log ? (
                  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
                  <pre className={styles.log} tabIndex={0}>
                    {plain(shown.log)}
                  </pre>
                ) : (
                  <p className="dim">It wrote none.</p>
                )}
              </Panel>
            </Stack>
          </>
        )}
      </Asked>
    </Page>
  );
}

function Used({ shown }: { shown: UnitShown }) {
  const size = (label: string, n: number) => {
    const [value, unit] = bytesSplit(n);
    return <Fact label={label} value={n > 0 ? value : "–"} unit={n > 0 ? unit : undefined} />;
  };
  return (
    <Facts>
      <Fact label="Took" value={shown.wallMs > 0 ? duration(shown.wallMs) : "–"} />
      <Fact label="Fuel" value={shown.fuel > 0 ? fuel(shown.fuel) : "–"} />
      {size("Memory at most", shown.memory)}
      {size("Input", shown.input)}
      {size("Output", shown.output)}
    </Facts>
  );
}

function Attempts({ shown }: { shown: UnitShown }) {
  const name = useNodeName();
  return (
    <Panel title="Attempts" note={count(shown.attempts.length)}>
      {shown.attempts.length === 0 ? (
        <p className="dim">Not tried yet.</p>
      ) : (
        <Wide label="Attempts">
          <Table>
            <Table.Thead>
              <Table.Tr>
                {["#", "Node", "Ended as", "Verdict", "Took", "Fuel", "Memory", "When"].map((head) => (
                  <Table.Th key={head}>{head}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {shown.attempts.map((attempt) => (
                <Table.Tr key={attempt.attempt} className="num">
                  <Table.Td>{attempt.attempt}</Table.Td>
                  <Table.Td className="foreign">{name(attempt.node) ?? "–"}</Table.Td>
                  <Table.Td>{outcomeWords(attempt.outcome)}</Table.Td>
                  <Table.Td className="foreign">{attempt.verdict?.replaceAll("_", " ") ?? "–"}</Table.Td>
                  <Table.Td>{attempt.wall_us > 0 ? duration(attempt.wall_us / 1000) : "–"}</Table.Td>
                  <Table.Td>{attempt.fuel > 0 ? fuel(attempt.fuel) : "–"}</Table.Td>
                  <Table.Td>
                    {attempt.memory_bytes > 0 ? bytesSplit(attempt.memory_bytes).join(" ") : "–"}
                  </Table.Td>
                  <Table.Td>
                    {attempt.ended_at_ms != null ? <Age at={attempt.ended_at_ms} /> : "now"}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
      )}
    </Panel>
  );
}

function Output({ shown, path, name }: { shown: UnitShown; path: string; name: string }) {
  const [error, setError] = useState<unknown>();
  if (shown.output === 0 || shown.state !== "done") return null;
  return (
    <Panel title="Output" note={bytesSplit(shown.output).join(" ")}>
      <Button onClick={() => void save(path, name, shown.output).catch(setError)}>Download</Button>
      {error ? <Failure error={error} /> : null}
    </Panel>
  );
}
