/** What can be done with a job, as far as its state allows. */

import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useRef, useState } from "react";
import { Confirm } from "@/parts/Confirm";
import { LinkButton } from "@/parts/LinkButton";
import { Failure } from "@/parts/States";
import { counted, credits, parseCredits } from "@/words/format";
import { cancelJob, retryJob, topUp } from "./query";
import type { JobView } from "./view";

export function Actions({ job }: { job: JobView }) {
  return (
    <>
      {job.failed > 0 && job.phase !== "cancelled" && (
        <Confirm label="Retry failed" act={() => retryJob(job.id)}>
          {counted(job.failed, "unit")} that failed or were left out run again, and are paid for again.
        </Confirm>
      )}
      {job.budget !== undefined && job.goesOn && <TopUp job={job} />}
      <LinkButton to="/submit" search={{ from: job.id }}>
        Clone
      </LinkButton>
      {job.goesOn && (
        <Confirm label="Cancel job" act={() => cancelJob(job.id)} danger>
          What runs is stopped, and no result is made.{" "}
          {job.budget !== undefined && "What is not spent comes back."}
        </Confirm>
      )}
    </>
  );
}

function TopUp({ job }: { job: JobView }) {
  const [opened, { open, close }] = useDisclosure(false);
  const [text, setText] = useState("");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  // One key a deed: pressing twice, or again after a broken answer, gives once.
  const key = useRef("");
  const amount = parseCredits(text);
  const begin = () => {
    key.current = crypto.randomUUID();
    setError(undefined);
    setText("");
    open();
  };
  const give = async () => {
    if (amount === undefined) return;
    setBusy(true);
    try {
      await topUp(job.id, amount, key.current);
      close();
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button onClick={begin}>Top up</Button>
      <Modal opened={opened} onClose={close} title="Give it more to spend">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void give();
          }}
        >
          <Stack gap="sm">
            <TextInput
              label="Credits"
              description={`It has ${credits(job.budget ?? 0)}, of which ${credits(job.spent)} are spent. What it does not need comes back.`}
              inputMode="decimal"
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              error={text !== "" && amount === undefined ? "an amount as 10 or 2.50" : undefined}
              data-autofocus
            />
            {error ? <Failure error={error} /> : null}
            <Group justify="flex-end" gap="xs">
              <Button onClick={close}>Leave it</Button>
              <Button type="submit" variant="filled" loading={busy} disabled={amount === undefined}>
                Top up
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
