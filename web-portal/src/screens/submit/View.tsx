/** A new job: the program, the data, how to cut it; at the side what that would be and cost, before anything is paid. */
import { useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import type { Job } from "@/api/types";
import { Columns, Page, Panel, Stack } from "@/parts/Page";
import { Cut } from "./Cut";
import { Data } from "./Data";
import { EMPTY, type Form, formOf, read, withProgram } from "./form";
import { How } from "./How";
import { Program } from "./Program";
import { programOf, useKnownModules, useOldJob } from "./query";
import { Summary } from "./Summary";

/** Change some of the form's fields. */
export type Change = (fields: Partial<Form>) => void;

export function SubmitView() {
  const { from, module } = useSearch({ from: "/inside/submit" });
  const [form, setForm] = useState<Form>(EMPTY);
  const change: Change = (fields) => setForm((before) => ({ ...before, ...fields }));
  usePrefill(from, module, setForm);
  const { submission, wrong } = read(form);
  return (
    <Page title="New job" crumbs={[{ text: "Jobs", to: "/jobs" }]}>
      <Columns>
        <Stack>
          <Panel title="1 · The program" note="a WebAssembly component">
            <Program form={form} change={change} />
          </Panel>
          <Panel title="2 · The data" note="uploaded once; what the grid has is not sent again">
            <Data form={form} change={change} wrong={wrong.files} />
          </Panel>
          <Panel title="3 · How to cut it" note="each piece is a unit, and runs on its own">
            <Cut form={form} change={change} wrong={wrong} />
          </Panel>
          <Panel title="4 · How to run it">
            <How form={form} change={change} wrong={wrong} />
          </Panel>
        </Stack>
        <Summary form={form} change={change} submission={submission} wrong={wrong} />
      </Columns>
    </Page>
  );
}

/** Fills the form once from the job that is cloned, or with the module that was chosen. */
function usePrefill(
  from: string | undefined,
  module: string | undefined,
  setForm: (set: (form: Form) => Form) => void,
) {
  const old = useOldJob(from);
  const known = useKnownModules();
  const filled = useRef(false);
  useEffect(() => {
    const submission = old.data?.submission;
    if (filled.current || !known.data || (from && !submission)) return;
    const wanted = submission?.module ?? module;
    if (!wanted) return;
    filled.current = true;
    const listed = known.data.items.find((one) => one.module === wanted);
    const program = listed
      ? programOf(listed)
      : { module: wanted, name: wanted.slice(0, 10), can: ANY, limits: undefined };
    const project = (old.data as Job | undefined)?.project ?? null;
    setForm((before) =>
      submission ? { ...formOf({ ...submission, project }), program } : withProgram(before, program),
    );
  }, [old.data, known.data, from, module, setForm]);
}

/** What is not known of a module is not forbidden: the grid says it in the draft. */
const ANY = { run: true, split: true, merge: true, command: true };
