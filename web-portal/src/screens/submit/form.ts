/** The form of a new job, and the submission that it makes. Pure: what is typed stays text until it is read here. */
import type { Limits, Split, Submission } from "@/api/types";
import { parseCredits } from "@/words/format";

export type SplitKind = Split["by"];
export type Program = {
  /** Digest that a submission names. */
  module: string;
  name: string;
  can: { run: boolean; split: boolean; merge: boolean; command: boolean };
  limits: Limits | undefined;
};
export type DataFile = { name: string; bytes: number; blob: string; shared: boolean };

export type Form = {
  name: string;
  project: string;
  program: Program | undefined;
  files: readonly DataFile[];
  split: SplitKind;
  perUnit: string;
  recordBytes: string;
  from: string;
  to: string;
  /** One axis a line: `threshold = 0.1, 0.2, 0.5`. */
  grid: string;
  args: string;
  assemble: "archive" | "concat" | "merge";
  runOn: "anyone" | "own" | "group";
  group: string;
  leaveOut: boolean;
  leaveOutPercent: string;
  budget: string;
  memoryMb: string;
};

export const EMPTY: Form = {
  name: "",
  project: "",
  program: undefined,
  files: [],
  split: "lines",
  perUnit: "1000",
  recordBytes: "",
  from: "0",
  to: "",
  grid: "",
  args: "",
  assemble: "archive",
  runOn: "anyone",
  group: "",
  leaveOut: false,
  leaveOutPercent: "1",
  budget: "",
  memoryMb: "",
};

/** The form with another program: what that can do itself, it does. */
export function withProgram(form: Form, program: Program): Form {
  const { can } = program;
  const split = can.split ? "guest" : form.split === "guest" ? "lines" : form.split;
  const assemble = can.merge ? "merge" : form.assemble === "merge" ? "archive" : form.assemble;
  return { ...form, program, split, assemble, name: form.name || program.name.replace(/\.wasm$/, "") };
}

/** What is wrong, by the form's field. */
export type Wrong = Partial<Record<keyof Form, string>>;
export type Read = { submission: Submission | undefined; wrong: Wrong };

/** Splits that need files, and what their `per_unit` counts. */
export const PER_UNIT: Partial<Record<SplitKind, string>> = {
  lines: "Lines a unit",
  records: "Records a unit",
  csv_rows: "Rows a unit",
  range: "Numbers a unit",
};

function whole(text: string, least = 1): number | undefined {
  const n = /^-?\d{1,15}$/.test(text.trim()) ? Number(text.trim()) : Number.NaN;
  return Number.isSafeInteger(n) && n >= least ? n : undefined;
}

/** Read the form: a submission where all of it is sound. */
export function read(form: Form): Read {
  const wrong: Wrong = {};
  const name = form.name.trim();
  if (name === "") wrong.name = "give it a name";
  if (!form.program) wrong.program = "choose a program";
  const split = readSplit(form, wrong);
  const inputs = form.files.filter((file) => !file.shared).map(({ name, blob }) => ({ name, blob }));
  if (split && !["range", "grid", "guest"].includes(split.by) && inputs.length === 0)
    wrong.files = "add a file to be cut";
  if (new Set(form.files.map((file) => file.name)).size < form.files.length)
    wrong.files = "two files have the same name";
  const budget = form.budget.trim() === "" ? undefined : parseCredits(form.budget);
  if (form.budget.trim() !== "" && budget === undefined) wrong.budget = "an amount as 10 or 2.50";
  // A megabyte has as many bytes as a credit has micro-credits.
  const memory = form.memoryMb.trim() === "" ? undefined : parseCredits(form.memoryMb);
  if (form.memoryMb.trim() !== "" && memory === undefined) wrong.memoryMb = "a number as 64 or 0.5";
  const permille = Math.round(Number(form.leaveOutPercent.replace(",", ".")) * 10);
  if (form.leaveOut && !(permille >= 1 && permille <= 1000)) wrong.leaveOutPercent = "from 0.1 to 100";
  const group = form.group.trim();
  if (form.runOn === "group" && group === "") wrong.group = "name the group";
  if (!split || !form.program || Object.keys(wrong).length > 0) return { submission: undefined, wrong };
  const shared = form.files.filter((file) => file.shared).map(({ name, blob }) => ({ name, blob }));
  const args = form.args.trim();
  const submission: Submission = {
    name,
    module: form.program.module,
    split,
    inputs,
    assemble: form.assemble,
    run_on: form.runOn === "group" ? `group:${group}` : form.runOn,
    on_failed: form.leaveOut ? { then: "leave_out", permille_max: permille } : { then: "stop" },
    ...(shared.length > 0 ? { shared } : {}),
    ...(args === "" ? {} : { args: args.split(/\s+/) }),
    ...(form.project.trim() === "" ? {} : { project: form.project.trim() }),
    ...(budget === undefined ? {} : { budget }),
    ...(memory === undefined ? {} : { limits: { ...form.program.limits, memory_bytes: memory } as Limits }),
  };
  return { submission, wrong };
}

function readSplit(form: Form, wrong: Wrong): Split | undefined {
  const per_unit = whole(form.perUnit);
  if (PER_UNIT[form.split] && per_unit === undefined) wrong.perUnit = "a whole number, at least 1";
  switch (form.split) {
    case "file":
    case "guest":
      return { by: form.split };
    case "lines":
    case "csv_rows":
      return per_unit === undefined ? undefined : { by: form.split, per_unit };
    case "records": {
      const bytes = whole(form.recordBytes);
      if (bytes === undefined) wrong.recordBytes = "bytes of a record";
      return bytes === undefined || per_unit === undefined ? undefined : { by: "records", bytes, per_unit };
    }
    case "range": {
      const [from, to] = [
        whole(form.from, -Number.MAX_SAFE_INTEGER),
        whole(form.to, -Number.MAX_SAFE_INTEGER),
      ];
      if (from === undefined) wrong.from = "a whole number";
      if (to === undefined || (from !== undefined && to <= from)) wrong.to = "a whole number above the first";
      if (from === undefined || to === undefined || to <= from || per_unit === undefined) return undefined;
      return { by: "range", from, to, per_unit };
    }
    case "grid": {
      const params = readGrid(form.grid);
      if (!params) wrong.grid = "a line a parameter, as: threshold = 0.1, 0.2, 0.5";
      return params ? { by: "grid", params } : undefined;
    }
  }
}

/** `name = value, value` a line; values are JSON where they can be, else texts. */
export function readGrid(text: string): { name: string; values: unknown[] }[] | undefined {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const params = lines.map((line) => {
    const [, name, rest] = /^\s*([\w.-]+)\s*=\s*(.+)$/.exec(line) ?? [];
    return name && rest ? { name, values: rest.split(",").map((word) => value(word.trim())) } : undefined;
  });
  const whole = params.filter((param) => param !== undefined);
  return whole.length === lines.length && whole.length > 0 ? whole : undefined;
}

function value(word: string): unknown {
  try {
    return JSON.parse(word);
  } catch {
    return word;
  }
}

/** The form that would have made a submission: for a clone. Its module is looked up by whoever calls. */
export function formOf(submission: Submission): Form {
  const { split } = submission;
  const per = "per_unit" in split ? String(split.per_unit) : EMPTY.perUnit;
  const group = submission.run_on?.startsWith("group:") ? submission.run_on.slice(6) : "";
  const files = (list: Submission["inputs"], shared: boolean) =>
    (list ?? []).map(({ name, blob }) => ({ name, blob, bytes: 0, shared }));
  return {
    ...EMPTY,
    name: submission.name,
    project: submission.project ?? "",
    files: [...files(submission.inputs, false), ...files(submission.shared, true)],
    split: split.by,
    perUnit: per,
    recordBytes: split.by === "records" ? String(split.bytes) : "",
    from: split.by === "range" ? String(split.from) : EMPTY.from,
    to: split.by === "range" ? String(split.to) : "",
    grid: split.by === "grid" ? split.params.map(gridLine).join("\n") : "",
    args: (submission.args ?? []).join(" "),
    assemble: submission.assemble ?? "archive",
    runOn: group ? "group" : submission.run_on === "own" ? "own" : "anyone",
    group,
    leaveOut: submission.on_failed?.then === "leave_out",
    leaveOutPercent:
      submission.on_failed?.then === "leave_out"
        ? String(submission.on_failed.permille_max / 10)
        : EMPTY.leaveOutPercent,
    budget: submission.budget ? String(submission.budget / 1_000_000) : "",
    memoryMb: submission.limits?.memory_bytes ? String(submission.limits.memory_bytes / 1_000_000) : "",
  };
}

const gridLine = (param: { name: string; values: unknown[] }) =>
  `${param.name} = ${param.values.map((one) => JSON.stringify(one)).join(", ")}`;
