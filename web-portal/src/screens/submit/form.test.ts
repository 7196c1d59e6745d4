import { describe, expect, test } from "vitest";
import type { Submission } from "@/api/types";
import { EMPTY, type Form, formOf, read, readGrid, withProgram } from "./form";

const program = {
  module: "ab".repeat(32),
  name: "x",
  can: { run: true, split: false, merge: false, command: false },
  limits: undefined,
};
const file = { name: "a.txt", bytes: 3, blob: "cd".repeat(32), shared: false };
const good: Form = { ...EMPTY, name: " words ", program, files: [file] };

describe("a form", () => {
  test("that is sound makes a submission", () => {
    const { submission, wrong } = read({
      ...good,
      project: "P",
      budget: "2.5",
      leaveOut: true,
      args: "-n  3",
    });
    expect(wrong).toEqual({});
    expect(submission).toEqual({
      name: "words",
      project: "P",
      module: program.module,
      split: { by: "lines", per_unit: 1000 },
      inputs: [{ name: "a.txt", blob: file.blob }],
      assemble: "archive",
      run_on: "anyone",
      on_failed: { then: "leave_out", permille_max: 10 },
      budget: 2_500_000,
      args: ["-n", "3"],
    });
  });

  test("that is not says where", () => {
    const cases: [Partial<Form>, keyof Form][] = [
      [{ name: "  " }, "name"],
      [{ program: undefined }, "program"],
      [{ files: [] }, "files"],
      [{ files: [file, file] }, "files"],
      [{ perUnit: "0" }, "perUnit"],
      [{ perUnit: "1e3" }, "perUnit"],
      [{ split: "records" }, "recordBytes"],
      [{ split: "range", from: "5", to: "5" }, "to"],
      [{ split: "grid", grid: "a" }, "grid"],
      [{ budget: "-1" }, "budget"],
      [{ memoryMb: "x" }, "memoryMb"],
      [{ leaveOut: true, leaveOutPercent: "101" }, "leaveOutPercent"],
      [{ runOn: "group" }, "group"],
    ];
    for (const [change, field] of cases) {
      const { submission, wrong } = read({ ...good, ...change });
      expect(submission, JSON.stringify(change)).toBeUndefined();
      expect(Object.keys(wrong), JSON.stringify(change)).toContain(field);
    }
  });

  test("splits that make their own units need no files", () => {
    expect(read({ ...good, files: [], split: "range", to: "100" }).submission?.split).toEqual({
      by: "range",
      from: 0,
      to: 100,
      per_unit: 1000,
    });
    expect(read({ ...good, files: [], split: "grid", grid: "t = 1, x" }).submission).toBeDefined();
  });
});

test("a clone's form makes the same submission", () => {
  const splits: Submission["split"][] = [
    { by: "file" },
    { by: "lines", per_unit: 7 },
    { by: "records", bytes: 16, per_unit: 2 },
    { by: "csv_rows", per_unit: 3 },
    { by: "range", from: -5, to: 10, per_unit: 4 },
    { by: "grid", params: [{ name: "t", values: [0.5, "x", true] }] },
    { by: "guest" },
  ];
  for (const split of splits) {
    const submission: Submission = {
      name: "n",
      project: "p",
      module: program.module,
      split,
      inputs: [{ name: "a", blob: file.blob }],
      shared: [{ name: "b", blob: file.blob }],
      assemble: "merge",
      run_on: "group:lab",
      on_failed: { then: "leave_out", permille_max: 25 },
      budget: 1_000_001,
      limits: { memory_bytes: 536_870_912 } as NonNullable<Submission["limits"]>,
    };
    expect(read({ ...formOf(submission), program }).submission).toEqual(submission);
  }
});

test("grids are read line by line", () => {
  expect(readGrid("a = 1, two\n\n b.c = true")).toEqual([
    { name: "a", values: [1, "two"] },
    { name: "b.c", values: [true] },
  ]);
  for (const wrong of ["", "a", "a =", "= 1", "a b = 1"]) expect(readGrid(wrong), wrong).toBeUndefined();
});

test("a program does itself what it can", () => {
  const can = { run: true, split: true, merge: true, command: false };
  const full = withProgram(EMPTY, { ...program, name: "cells.wasm", can });
  expect([full.split, full.assemble, full.name]).toEqual(["guest", "merge", "cells"]);
  const plain = withProgram(full, program);
  expect([plain.split, plain.assemble, plain.name]).toEqual(["lines", "archive", "cells"]);
});
