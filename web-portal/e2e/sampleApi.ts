/**
 * An author's account in the midst of its work, as the API would tell it: for measuring with a million units, and for
 * pictures of pages that a small real grid fills only after hours. What it tells of names and logs is hostile.
 */
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { resolve } from "node:path";
import { encode, type UnitMap } from "../src/pictures/map/model";
import { chance, sampleChange, sampleMap } from "../src/screens/pictures/samples";
import { UNIT_STATES } from "../src/words/states";
import { type Api, json } from "./static";

const MIN = 60_000;
const OVERLAY = resolve(import.meta.dirname, "../../docs/overlay.png");
export const EVIL = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

export class SampleGrid {
  readonly map: UnitMap;
  private readonly r = chance(3);
  private readonly now = Date.now();
  private readonly streams = new Set<ServerResponse>();
  /** Map events that were sent. */
  sent = 0;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(units: number) {
    this.map = sampleMap(units);
  }

  /** Change units and tell those who follow, so many times a second. */
  run(perSecond: number, unitsEach: number): void {
    this.timer = setInterval(() => {
      const change = sampleChange(this.map, unitsEach, this.r);
      this.map.apply(change);
      this.sent += 1;
      for (const stream of this.streams) {
        stream.write(`id: ${change.version}\nevent: map\ndata: ${JSON.stringify(change)}\n\n`);
        if (this.sent % 10 === 0) stream.write(`event: job\ndata: ${JSON.stringify(this.job())}\n\n`);
      }
    }, 1000 / perSecond);
  }

  stop(): void {
    clearInterval(this.timer);
    for (const stream of this.streams) stream.end();
  }

  readonly api: Api = (_request, response, url) => this.answer(response, url.pathname.replace("/api/v1", ""));

  private answer(response: ServerResponse, path: string): boolean {
    const known: Record<string, () => unknown> = {
      "/me": () => ({
        id: "acc-1",
        name: "mia",
        role: "user",
        scopes: ["jobs"],
        fuel_quota: 1e15,
        fuel_used: 1e12,
      }),
      "/grid": () => GRID,
      "/credits": () => ({ available: 1_284_200_000, reserved: 37_500_000, pending: 1_100_000 }),
      "/credits/statement": () => ({ items: this.statement(), next: null }),
      "/jobs": () => ({ items: this.jobs(), next: "more" }),
      "/jobs/job-7f3a": () => this.job(),
      "/jobs/job-7f3a/errors": () => ({ items: ERRORS }),
      "/jobs/job-7f3a/nodes": () => ({ items: this.nodes() }),
      "/jobs/job-7f3a/timeline": () => this.timeline(),
      "/jobs/job-7f3a/preview": () => PREVIEW,
      "/jobs/job-7f3a/explain": () => EXPLAIN,
      "/projects": () => ({ items: this.projects(), next: null }),
      "/jobs/draft": () => DRAFT,
      "/nodes": () => ({ items: [], next: null }),
      "/modules": () => ({ items: this.modules(), next: null }),
    };
    const found = known[path];
    if (found) return json(response, found());
    if (path === "/jobs/job-7f3a/map") return this.sendMap(response);
    if (path === "/jobs/job-7f3a/events") return this.follow(response);
    if (path === "/events") return this.follow(response, false);
    if (path === "/jobs/job-7f3a/preview/0") {
      response.writeHead(200, { "content-type": "image/png", "content-security-policy": "sandbox" });
      response.end(readFileSync(OVERLAY));
      return true;
    }
    const unit = /^\/jobs\/job-7f3a\/units\/1\/(\d+)$/.exec(path);
    return unit ? json(response, this.unit(Number(unit[1]))) : false;
  }

  private sendMap(response: ServerResponse): boolean {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    response.end(encode(this.map.version, this.map.states.subarray(0, this.map.total)));
    return true;
  }

  private follow(response: ServerResponse, map = true): boolean {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": here\n\n");
    if (map) this.streams.add(response);
    response.on("close", () => this.streams.delete(response));
    return true;
  }

  private counts() {
    const all = this.map.counts(0, this.map.total);
    return Object.fromEntries(UNIT_STATES.map((state, n) => [state, all[n] ?? 0]));
  }

  private job() {
    return {
      id: "job-7f3a",
      name: "slides 12–19",
      project: "Colon study",
      phase: "running",
      version: this.map.version,
      counts: this.counts(),
      split_done: true,
      merge_counts: Object.fromEntries(UNIT_STATES.map((state) => [state, 0])),
      fuel: 5.1e15,
      rate_milli: 4800,
      progress_milli: 91_000,
      nodes: 61,
      created_at_ms: this.now - 9 * MIN,
      eta_s: [600, 2400],
      spent: 22_810_000,
      held: 1_900_000,
      budget: 60_000_000,
    };
  }

  private jobs() {
    const job = this.job();
    const part = (name: string, id: string, counts: object, more: object) => ({
      ...job,
      name,
      id,
      counts: { ...job.merge_counts, ...counts },
      ...more,
    });
    const ended = (ago: number, phase: string) => ({
      phase,
      created_at_ms: this.now - ago - 40 * MIN,
      ended_at_ms: this.now - ago,
      eta_s: null,
    });
    return [
      job,
      part(
        "slides 20–27",
        "job-81cc",
        { waiting: 4096 },
        { phase: "running", waiting_for: "budget", rate_milli: 0, eta_s: null, spent: 60_000_000 },
      ),
      part(
        "a wider sweep of the threshold",
        "job-2b90",
        { done: 812, running: 64, waiting: 124 },
        { project: null, rate_milli: 350 },
      ),
      part(
        "slides 1–11",
        "job-55d1",
        { done: 4090, left_out: 6 },
        { ...ended(90 * MIN, "done"), spent: 31_420_000 },
      ),
      part(
        EVIL,
        "job-0bad",
        { done: 11, failed: 3 },
        { ...ended(26 * 60 * MIN, "failed"), project: EVIL, spent: 40_000 },
      ),
      part(
        "primes to 10⁹",
        "job-91f0",
        { done: 1000 },
        { ...ended(27 * 60 * MIN, "done"), project: "Primes", spent: 2_500_000 },
      ),
      part(
        "first try",
        "job-1a2b",
        { done: 2, waiting: 10 },
        { ...ended(28 * 60 * MIN, "cancelled"), project: null, spent: 0 },
      ),
    ];
  }

  private nodes() {
    const r = chance(5);
    return Array.from({ length: 61 }, (_, n) => ({
      name: n === 0 ? EVIL : n < 4 ? `heron-${n}` : `node ${(n * 7919).toString(36)}`,
      own: n > 0 && n < 4,
      units: 1 + Math.floor(r() * 8),
      done: Math.floor(r() * 90),
      since_ms: this.now - 8 * MIN,
    }));
  }

  private timeline() {
    const r = chance(9);
    const done = Array.from({ length: 54 }, (_, n) => Math.round(48 * (1 - Math.exp(-n / 9)) + 9 * r()));
    return {
      bucket_ms: 10_000,
      from_ms: this.now - 9 * MIN,
      done,
      failed: done.map(() => (r() > 0.7 ? 2 : 0)),
      events: [
        { at_ms: this.now - 9 * MIN, text: "submitted: 8 files" },
        { at_ms: this.now - 8.6 * MIN, text: "split into 4,096 units" },
        { at_ms: this.now - 5 * MIN, text: "node heron-2 went away; 4 units again" },
      ],
    };
  }

  private unit(seq: number) {
    const state = UNIT_STATES[this.map.states[seq] ?? 0] ?? "waiting";
    const attempt = (n: number, more: object) => ({
      attempt: n,
      node: n === 1 ? "heron-2" : "node k3f",
      fuel: 55_000_000_000,
      wall_us: 54_800_000,
      memory_bytes: 148_000_000,
      ended_at_ms: this.now - n * MIN,
      verdict: "stands",
      outcome: { class: "done" },
      ...more,
    });
    return {
      unit: {
        stage: 1,
        seq,
        state,
        attempt: 2,
        fuel: 55_000_000_000,
        wall_us: 54_800_000,
        memory_bytes: 148_000_000,
        output_bytes: 18_432,
        node: "node k3f",
        outcome: { class: "done" },
      },
      input_bytes: 245_760,
      attempts: [attempt(1, { outcome: { class: "lost" }, verdict: "went away", fuel: 0 }), attempt(2, {})],
      log: `tile ${seq}: 512×512, 3 channels\n\u001b[31mred?\u001b[0m ${EVIL}\n412 nuclei`,
      message: null,
    };
  }

  private projects() {
    const project = (name: string, jobs: number, running: number, failed: number, spent: number) => ({
      name,
      jobs,
      running,
      failed,
      done: jobs - running - failed,
      spent,
      last_at_ms: this.now - jobs * MIN,
    });
    return [
      project("Colon study", 14, 2, 1, 312_400_000),
      project("Primes", 41, 0, 0, 2_500_000),
      project(EVIL, 3, 0, 2, 40_000),
      project("Sweeps", 240, 30, 12, 88_000_000),
    ];
  }

  private modules() {
    const module = (name: string, letter: string, more: object) => ({
      module: letter.repeat(64),
      component: letter.repeat(64),
      name,
      bytes: 69_400,
      exports: { run: true, split: true, merge: true, command: false },
      limits: { memory_bytes: 536_870_912, fuel: 4e12, wall_ms: 3_600_000, output_bytes: 67_108_864 },
      created_at_ms: this.now - 60 * MIN,
      jobs: 14,
      suspended: null,
      ...more,
    });
    return [
      module("cells.wasm", "c", {}),
      module("primes.wasm", "b", {
        jobs: 41,
        exports: { run: true, split: false, merge: false, command: false },
      }),
      module(EVIL, "e", { jobs: 3, suspended: `reported: ${EVIL}` }),
    ];
  }

  private statement() {
    const r = chance(13);
    return Array.from({ length: 60 }, (_, n) => {
      const pay = n % 4 !== 1;
      return {
        id: n.toString(16).padStart(32, "0"),
        at_ms: this.now - n * 9 * 60 * MIN,
        amount: pay ? Math.round(r() * 4e6) : -Math.round(r() * 6e7),
        cause: pay ? (n % 7 === 0 ? "refund" : "pay") : "budget",
        state: n === 0 ? "held" : "moved",
        job: pay && n % 7 !== 0 ? null : "job-7f3a",
        note: n === 9 ? EVIL : null,
        balance: 1_284_200_000 - n * 1_000_000,
      };
    });
  }
}

export const noApi = (_request: IncomingMessage, _response: ServerResponse): boolean => false;

const GRID = {
  name: "commons",
  version: "0.1.0",
  root_fingerprint: "a".repeat(64),
  profile: "fuel=fallow-1",
  blob_bytes_max: 8 << 30,
  component_bytes_max: 64 << 20,
  kind: "open",
  credits: true,
  price: { per_tera_fuel: 1_000_000, memory_permille: 100, per_gib_day: 10_000, fee_permille: 50 },
  allowance: 0,
};
const ERRORS = [
  {
    class: "guest_error",
    message: "tile is not RGB: 1 channel",
    count: 29,
    units: 29,
    state: "left_out",
    example: { stage: 1, seq: 181, attempt: 1 },
  },
  {
    class: "lost",
    message: "",
    count: 24,
    units: 24,
    state: "again",
    example: { stage: 1, seq: 17, attempt: 1 },
  },
  {
    class: "guest_error",
    message: EVIL,
    count: 2,
    units: 1,
    state: "failed",
    example: { stage: 1, seq: 3, attempt: 1 },
    help: "raise `limits.memory_mb` to 160, then retry what failed",
  },
];
const PREVIEW = {
  kind: "files",
  complete: false,
  units_done: 2515,
  files: [
    { index: 0, name: "overlay.png", bytes: 184_000, kind: "png" },
    { index: 1, name: "nuclei.csv", bytes: 1_240_000, kind: "text" },
    { index: 2, name: `../../${EVIL}`, bytes: 12, kind: "text" },
  ],
};
const DRAFT = {
  units: { count: 4096, exact: false },
  first: [
    { seq: 0, bytes: 245_760, text: "tile 0,0 of slide-12.png" },
    { seq: 1, bytes: 245_760, text: EVIL },
  ],
  price: {
    costs: true,
    per_unit: 9_000,
    total_from: 33_000_000,
    total_to: 42_000_000,
    budget_suggested: 60_000_000,
  },
  seconds: { from: 1500, to: 2400 },
  problems: [{ field: "budget", text: "this grid takes credits: give at least 33.00" }],
};
const EXPLAIN = {
  job: "job-7f3a",
  phase: "running",
  waiting: 1065,
  nodes_online: 118,
  nodes_working: 61,
  reasons: [
    { code: "busy", count: 61, text: "nodes at work on this job, all slots full" },
    {
      code: "memory-too-small",
      count: 38,
      text: "nodes lack 900 MB of free memory",
      help: "700 MB would admit 31 of them",
    },
    { code: "leaving", count: 12, text: "predicted to leave before a unit would end" },
    { code: "paused", count: 7, text: "paused by their owners" },
  ],
};
