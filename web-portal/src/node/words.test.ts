import { expect, test } from "vitest";
import type { NodeStatus } from "@/api/lending";
import { because, happened, observed, sentence, willDo } from "./words";

const unit = (job_name: string, seq: number) => ({ job_name, own: false, stage: 1, seq, started_at_ms: 0 });
const status = (part: Partial<NodeStatus>): NodeStatus => ({
  name: "heron",
  node: "n",
  grid: "g",
  url: "http://g",
  owner: "mia",
  state: "idle",
  slots: 4,
  units: [],
  takes_strangers: true,
  units_done: 0,
  version: "0.1.0",
  ...part,
});

test("one sentence says what it does", () => {
  expect(sentence(status({ state: "working", units: [unit("cells", 1)] }))).toBe("1 unit of cells runs");
  const units = [unit("cells", 1), unit("cells", 2), unit("primes", 1)];
  expect(sentence(status({ state: "working", units }))).toBe("3 units of cells and primes run");
  expect(sentence(status({}))).toBe("Ready, and waiting for work");
});

test("the reason follows without the state's own word, and until when", () => {
  expect(because(status({ state: "paused", reason: "paused: battery 41 % below 60 %" }))).toBe(
    "battery 41 % below 60 %",
  );
  const until_ms = new Date(2026, 10, 21, 14, 10).getTime();
  expect(because(status({ state: "paused", reason: "by its owner", until_ms }))).toBe(
    "by its owner, until 14:10",
  );
});

test("the button says what it will do", () => {
  expect(willDo(status({ state: "paused" }))).toMatch(/goes on/);
  expect(willDo(status({ state: "working", units: [unit("cells", 1)] }))).toMatch(/at once/);
});

test("history and observations in words", () => {
  expect(happened({ at_ms: 0, what: "paused", why: "by its owner" })).toBe("paused: by its owner");
  expect(observed({ on_battery: true, charge_percent: 41, idle_s: 120, temperature_c: null })).toEqual([
    "on battery, 41 %",
    "last used 2 min ago",
  ]);
});
