/** Who may run it, what becomes of outputs and of what fails, and limits. */
import { Checkbox, Group, Select, TextInput } from "@mantine/core";
import type { Form, Wrong } from "./form";
import styles from "./submit.module.css";
import type { Change } from "./View";

export function How({ form, change, wrong }: { form: Form; change: Change; wrong: Wrong }) {
  const { can } = form.program ?? {};
  return (
    <div className={styles.rows}>
      <Group align="start" gap="sm">
        <Select
          label="Runs on"
          description={
            form.runOn === "anyone" ? "Strangers' computers can read what they run." : "Nobody else sees it."
          }
          data={[
            { value: "anyone", label: "anyone's nodes" },
            { value: "own", label: "only your own nodes" },
            { value: "group", label: "nodes of a group" },
          ]}
          value={form.runOn}
          onChange={(value) => change({ runOn: value as Form["runOn"] })}
          allowDeselect={false}
          className={styles.grow}
        />
        {form.runOn === "group" && (
          <TextInput
            label="Group"
            description="its name"
            maxLength={64}
            value={form.group}
            onChange={(event) => change({ group: event.currentTarget.value })}
            error={form.group !== "" && wrong.group}
          />
        )}
        <Select
          label="Outputs become"
          description="the result that you download"
          data={[
            { value: "archive", label: "an archive, a file a unit" },
            { value: "concat", label: "one file, in order" },
            ...(can === undefined || can.merge ? [{ value: "merge", label: "what the program merges" }] : []),
          ]}
          value={form.assemble}
          onChange={(value) => change({ assemble: value as Form["assemble"] })}
          allowDeselect={false}
          className={styles.grow}
        />
      </Group>
      <Group align="center" gap="sm">
        <Checkbox
          label="Go on when units fail, and leave out at most"
          checked={form.leaveOut}
          onChange={(event) => change({ leaveOut: event.currentTarget.checked })}
        />
        <TextInput
          aria-label="Largest share that may be left out, percent"
          inputMode="decimal"
          maxLength={6}
          rightSection="%"
          disabled={!form.leaveOut}
          value={form.leaveOutPercent}
          onChange={(event) => change({ leaveOutPercent: event.currentTarget.value })}
          error={form.leaveOut && wrong.leaveOutPercent}
          className={styles.number}
        />
      </Group>
      <Group align="start" gap="sm">
        <TextInput
          label="Memory a unit, MB"
          description="less lets more nodes take it"
          placeholder="as the program says"
          inputMode="numeric"
          maxLength={16}
          value={form.memoryMb}
          onChange={(event) => change({ memoryMb: event.currentTarget.value })}
          error={wrong.memoryMb}
        />
        {can?.command && (
          <TextInput
            label="Arguments"
            description="of the program, between spaces"
            maxLength={2000}
            value={form.args}
            onChange={(event) => change({ args: event.currentTarget.value })}
            className={styles.grow}
          />
        )}
      </Group>
    </div>
  );
}
