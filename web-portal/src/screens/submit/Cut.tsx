/** How the data becomes units. */
import { Group, Select, Textarea, TextInput } from "@mantine/core";
import { type Form, PER_UNIT, type SplitKind, type Wrong } from "./form";
import styles from "./submit.module.css";
import type { Change } from "./View";

const KINDS: { value: SplitKind; label: string }[] = [
  { value: "lines", label: "By lines of text" },
  { value: "csv_rows", label: "By rows of CSV, each unit with the header" },
  { value: "file", label: "One unit a file" },
  { value: "records", label: "By records of a fixed size" },
  { value: "range", label: "A range of whole numbers" },
  { value: "grid", label: "Every combination of parameters" },
  { value: "guest", label: "The program cuts it itself" },
];

export function Cut({ form, change, wrong }: { form: Form; change: Change; wrong: Wrong }) {
  const own = form.program === undefined || form.program.can.split;
  const kinds = KINDS.filter((kind) => kind.value !== "guest" || own);
  const per = PER_UNIT[form.split];
  const number = (field: "perUnit" | "recordBytes" | "from" | "to", label: string) => (
    <TextInput
      label={label}
      inputMode="numeric"
      maxLength={16}
      value={form[field]}
      onChange={(event) => change({ [field]: event.currentTarget.value })}
      error={form[field] !== "" && wrong[field]}
      className={styles.number}
    />
  );
  return (
    <>
      <Group align="start" gap="sm">
        <Select
          label="Cut"
          data={kinds}
          value={form.split}
          onChange={(value) => value && change({ split: value as SplitKind })}
          allowDeselect={false}
          className={styles.grow}
        />
        {form.split === "records" && number("recordBytes", "Bytes a record")}
        {form.split === "range" && number("from", "From")}
        {form.split === "range" && number("to", "To, not included")}
        {per && number("perUnit", per)}
      </Group>
      {form.split === "grid" && (
        <Textarea
          label="Parameters"
          description="One a line. Each unit gets one combination as JSON."
          placeholder={"threshold = 0.1, 0.2, 0.5\nradius = 3, 5"}
          autosize
          minRows={3}
          maxRows={12}
          maxLength={20_000}
          value={form.grid}
          onChange={(event) => change({ grid: event.currentTarget.value })}
          error={form.grid !== "" && wrong.grid}
          mt="sm"
        />
      )}
    </>
  );
}
