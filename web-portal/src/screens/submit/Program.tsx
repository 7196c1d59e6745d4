/** Which program: one that the grid knows, or a new one, uploaded and signed here. */
import { Button, FileButton, Group, Select } from "@mantine/core";
import { useRef, useState } from "react";
import { Failure } from "@/parts/States";
import { exportWords } from "@/screens/modules/query";
import { type Form, withProgram } from "./form";
import { addProgram, programOf, useKnownModules } from "./query";
import styles from "./submit.module.css";
import type { Change } from "./View";

export function Program({ form, change }: { form: Form; change: Change }) {
  const known = useKnownModules();
  const [step, setStep] = useState<string>();
  const [error, setError] = useState<unknown>();
  const running = useRef<AbortController>(undefined);
  const modules = known.data?.items.filter((module) => !module.suspended) ?? [];
  const choose = (digest: string | null) => {
    const module = modules.find((one) => one.module === digest);
    if (module) take(programOf(module));
  };
  const take = (program: NonNullable<Form["program"]>) => change(withProgram(form, program));
  const add = async (file: File | null) => {
    if (!file) return;
    running.current?.abort();
    running.current = new AbortController();
    setError(undefined);
    try {
      take(await addProgram(file, setStep, running.current.signal));
    } catch (failed) {
      setError(failed);
    } finally {
      setStep(undefined);
    }
  };
  return (
    <>
      <Group align="end" gap="sm">
        <Select
          label="One that the grid knows"
          placeholder={modules.length === 0 ? "none yet" : "choose"}
          data={modules.map((module) => ({
            value: module.module,
            label: `${module.name || "without a name"} · ${module.module.slice(0, 6)}`,
          }))}
          value={form.program?.module ?? null}
          onChange={choose}
          searchable
          className={styles.grow}
        />
        <FileButton
          onChange={(file) => void add(file)}
          accept=".wasm,application/wasm"
          inputProps={{ "aria-label": "A new component" }}
        >
          {(props) => (
            <Button size="sm" {...props} loading={step !== undefined}>
              Upload a new one
            </Button>
          )}
        </FileButton>
      </Group>
      <p className="dim small" role="status">
        {step
          ? `${step}…`
          : form.program
            ? `${form.program.name}: ${exportWords(form.program.can) || "exports nothing that can run"}`
            : "Signed with a key that this browser makes and keeps; the secret half cannot leave it."}
      </p>
      {error ? <Failure error={error} /> : null}
    </>
  );
}
