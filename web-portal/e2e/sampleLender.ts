/**
 * A lender's, an operator's and a visitor's grid as the API would tell it, and a node's own page: for pictures of pages
 * that a small real grid fills only after weeks. What it tells of names and reasons is hostile.
 */

import { sampleWeek } from "../src/screens/pictures/samples";
import { EVIL } from "./sampleApi";
import { type Api, json, problem } from "./static";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const CREDIT = 1_000_000;
const DIGEST = "4f1c9a27".repeat(8);

const info = (id: string, name: string, more: object) => ({
  id,
  name,
  state: "online",
  reason: null,
  working: false,
  earned_today: 0,
  pending: 0,
  slots: 6,
  units_held: 0,
  units_done: 21_804,
  fuel: 3.1e15,
  seen_at_ms: Date.now() - 2000,
  machine: "8 cores, 16 GB, Linux x86_64",
  standing: { is: "trusted" },
  checks_passed: 412,
  results_wrong: 0,
  ...more,
});

const heron = () =>
  info("node-1", "heron-3", {
    working: true,
    units_held: 4,
    earned_today: 6.42 * CREDIT,
    pending: 1.1 * CREDIT,
  });

const NODES = () => [
  heron(),
  info("node-2", "kitchen", {
    state: "paused",
    reason: "paused: battery 41 % below 60 %",
    earned_today: 0.8 * CREDIT,
    slots: 2,
    machine: "4 cores, 8 GB, macOS aarch64",
  }),
  info("node-3", "lab-12", { slots: 24, earned_today: 0, machine: "24 cores, 64 GB, Linux x86_64" }),
  info("node-4", EVIL, { state: "offline", seen_at_ms: Date.now() - 3 * DAY, slots: 4 }),
];

const EFFECTIVE = {
  preset: "quiet",
  idle_minutes: 5,
  hours: Array(168).fill(true),
  cpu_percent: 70,
  busy_cpu_percent: 25,
  slots: null,
  memory_percent_busy: 20,
  memory_percent_idle: 60,
  disk_bytes: null,
  battery_stop_percent: 60,
  battery_resume_percent: 75,
  on_battery: false,
  metered: false,
  pause_programs: ["obs", "zoom"],
  temperature_stop_c: 80,
  temperature_resume_c: 70,
  give_back_minutes: 5,
};

const PREFERENCES = {
  local: { cpu_percent: 70, pause_programs: ["obs", "zoom"] },
  remote: { preset: "quiet" },
  effective: EFFECTIVE,
};

const DETAIL = () => ({
  info: heron(),
  machine: {
    os: "Debian 12",
    arch: "x86_64",
    cpu: "AMD Ryzen 7 5700G",
    cores: 8,
    memory_bytes: 16e9,
    disk_bytes: 212e9,
    version: "0.1.0",
  },
  doing: [
    { job_name: "cells", module: DIGEST, own: false, units: 3 },
    { job_name: "primes", module: "b".repeat(64), own: true, units: 1 },
  ],
  preferences: PREFERENCES,
  takes: { who: "anyone", not_authors: ["spam", "noise"], not_modules: [] },
  joined_at_ms: Date.now() - 63 * DAY,
  earnings: { today: 6.42 * CREDIT, verified: 318.07 * CREDIT, pending: 1.1 * CREDIT },
});

function intervals(to: number) {
  const parts: [string, number, string?][] = [
    ["offline", 8.6],
    ["idle", 0.5],
    ["working", 3.4],
    ["paused", 0.7, "battery 41 % below 60 %"],
    ["working", 5.3],
    ["idle", 0.2],
    ["working", 5.3],
  ];
  let at = to - DAY;
  return parts.map(([state, hours, reason]) => {
    const from_ms = at;
    at += hours * HOUR;
    return { from_ms, to_ms: at, state, ...(reason ? { reason } : {}) };
  });
}

const availability = () => ({
  weeks_milli: 8000,
  cells: sampleWeek().map((share = 0) => ({
    seen_s: 28_800,
    here_permille: Math.round(share * 1000),
    working_permille: Math.round(share * 620),
  })),
});

const earnings = () =>
  Array.from({ length: 14 }, (_, n) => {
    const day_ms = new Date().setHours(0, 0, 0, 0) - (13 - n) * DAY;
    const work = new Date(day_ms).getDay() % 6 === 0 ? 0.4 : 4 + ((n * 7) % 5) * 0.6;
    return {
      day_ms,
      paid: Math.round(work * CREDIT),
      checks: 0.1 * CREDIT,
      held: n > 10 ? Math.round(work * 0.3 * CREDIT) : 0,
    };
  });

const ME = {
  id: "acc-1",
  name: "mia",
  role: "operator",
  scopes: ["jobs:read", "jobs:write", "nodes:write", "admin"],
  fuel_quota: 1e15,
  fuel_used: 1e12,
  email: "mia@example.org",
  email_confirmed: true,
  totp: false,
  has_password: true,
  session: true,
  suspended: null,
};

const user = (id: string, name: string, more: object = {}) => ({
  id,
  name,
  email: `${id}@example.org`,
  role: "user",
  created_at_ms: Date.now() - 40 * DAY,
  suspended: null,
  fuel_quota: 1e15,
  fuel_used: 2.4e14,
  jobs_max: null,
  available: 128.2 * CREDIT,
  nodes: 2,
  jobs: 1,
  ...more,
});
const OWNER = { id: "acc-2", name: "jonas" };
const AT = () => Date.now() - 5 * HOUR;

const ADMIN: Record<string, () => unknown> = {
  "/admin/health": () => ({
    parts: [
      { name: "database", ok: true, text: "writes take 3 ms", since_ms: AT() },
      { name: "workers", ok: true, text: "412 units a second", since_ms: AT() },
      { name: "blobs", ok: true, text: "18 GB of 200 GB", since_ms: AT() },
      { name: "mail", ok: false, text: "3 mails wait: smtp.example.org does not answer", since_ms: AT() },
    ],
  }),
  "/admin/users": () => ({
    items: [
      user("acc-1", "mia", { role: "operator" }),
      user("acc-2", "jonas"),
      user("acc-3", EVIL, { suspended: { reason: "mines coins on others' computers" } }),
    ],
    next: "more",
  }),
  "/admin/nodes": () => ({
    items: NODES().map((node) => ({ ...node, owner: OWNER, joined_at_ms: AT(), suspended: null })),
  }),
  "/admin/jobs": () => ({
    items: [
      {
        id: "job-7f3a22",
        name: "cells",
        owner: OWNER,
        phase: "running",
        module: DIGEST,
        suspended: null,
        units: 4096,
        done: 2515,
        failed: 29,
        fuel: 3.2e13,
        created_at_ms: AT(),
        ended_at_ms: null,
        error: null,
      },
    ],
  }),
  "/admin/modules": () => ({
    items: [
      {
        module: DIGEST,
        component: "c".repeat(64),
        owner: OWNER,
        bytes: 812_000,
        created_at_ms: AT(),
        expires_at_ms: AT() + 90 * DAY,
        jobs: 12,
        suspended: null,
      },
    ],
  }),
  "/admin/reports": () => ({
    items: [{ id: 1, at_ms: AT(), by: "jonas", module: DIGEST, job: null, text: EVIL }],
  }),
  "/admin/audit": () => ({ items: EVENTS() }),
  "/admin/ledger": () => ({
    items: [
      {
        id: "a".repeat(32),
        at_ms: AT(),
        kind: "post",
        cause: "pay",
        debit: { kind: "escrow", job: "job-7f3a22" },
        credit: { kind: "user", account: OWNER },
        amount: 0.42 * CREDIT,
      },
      {
        id: "b".repeat(32),
        at_ms: AT() - HOUR,
        kind: "single",
        cause: "grant",
        debit: { kind: "issuance" },
        credit: { kind: "user", account: OWNER },
        amount: 100 * CREDIT,
        note: "thanks for the lab",
      },
    ],
  }),
  "/ledger/trial": () => ({
    accounts: [
      ["issuance", -5000],
      ["fees", 42.5],
      ["verification", 17.5],
      ["forfeit", 0],
      ["users", 4740],
      ["escrows", 200],
    ].map(([account, net]) => ({
      account,
      net: Number(net) * CREDIT,
      debits_pending: 0,
      credits_pending: 12 * CREDIT,
    })),
    check: { at_ms: AT(), transfers: 812_004, found: 0 },
  }),
  "/disputes": () => ({
    items: [
      {
        id: 3,
        job: "job-7f3a22",
        stage: 1,
        seq: 812,
        at_ms: AT(),
        evidence: {
          claims: [
            { node: "node-1", digest: DIGEST.slice(0, 16) },
            { node: "node-9", digest: EVIL },
          ],
        },
      },
    ],
  }),
};

const EVENTS = () => [
  {
    at_ms: AT(),
    actor: "mia",
    action: "session.created",
    object: "ses-1",
    address: "192.0.2.7",
    details: "Firefox on Linux",
  },
  {
    at_ms: AT() - HOUR,
    actor: "mia",
    action: "token.created",
    object: "laptop",
    address: "192.0.2.7",
    details: "",
  },
  {
    at_ms: AT() - DAY,
    actor: null,
    action: "session.refused",
    object: "mia",
    address: "198.51.100.3",
    details: EVIL,
  },
];

const PEOPLE: Record<string, () => unknown> = {
  "/me": () => ME,
  "/grid": () => ({
    name: "Meadow",
    version: "0.1.0",
    root_fingerprint: DIGEST,
    profile: "1",
    kind: "open",
    credits: true,
    registration: "open",
    allowance: 10 * CREDIT,
  }),
  "/credits": () => ({ available: 1284.2 * CREDIT, pending: 1.1 * CREDIT, reserved: 0 }),
  "/sessions": () => ({
    items: [
      {
        id: "ses-1",
        created_at_ms: AT(),
        seen_at_ms: Date.now(),
        address: "192.0.2.7",
        agent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        current: true,
      },
      {
        id: "ses-2",
        created_at_ms: AT(),
        seen_at_ms: AT(),
        address: "198.51.100.3",
        agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/605.1",
        current: false,
      },
    ],
  }),
  "/tokens": () => ({
    items: [
      {
        id: "fallow_a1b2",
        name: "laptop",
        scopes: ["jobs:read", "jobs:write"],
        expires_at_ms: Date.now() + 60 * DAY,
      },
    ],
  }),
  "/keys": () => ({ items: [{ key: DIGEST, name: "laptop" }] }),
  "/me/audit": () => ({ items: EVENTS() }),
  "/device/BCDF-GHJK": () => ({
    client: "fallow-node",
    name: "heron-4",
    scopes: [],
    address: "192.0.2.44",
    expires_at_ms: Date.now() + 9 * 60_000,
    root_fingerprint: DIGEST,
  }),
  "/groups": () => ({
    items: [
      { name: "imaging-lab", role: "owner", members: 7, nodes: 12, created_at_ms: AT() },
      { name: "chess-club", role: "member", members: 31, nodes: 18, created_at_ms: AT() },
    ],
  }),
  "/groups/imaging-lab": () => ({
    name: "imaging-lab",
    role: "owner",
    created_at_ms: AT(),
    members: [
      { account: "acc-1", name: "mia", role: "owner", since_ms: AT() },
      { account: "acc-2", name: "jonas", role: "member", since_ms: AT() },
    ],
    invitations: [{ account: "acc-3", name: "lena", at_ms: AT() }],
    devices: [
      { id: "node-1", name: "heron-3", owner: "mia", state: "online", slots: 6 },
      { name: "device 2", owner: "jonas", state: "offline", slots: 24 },
    ],
  }),
  "/invitations": () => ({ items: [{ group: "astronomy", by: "lena", members: 4, at_ms: AT() }] }),
  "/totp": () => ({
    secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    url: "otpauth://totp/Meadow:mia?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Meadow",
  }),
  "/totp/confirm": () => ({ recovery: Array.from({ length: 10 }, (_, n) => `k${n}fd-83ha-${n}q2x`) }),
};

const LENDING: Record<string, (url: URL) => unknown> = {
  "/nodes": () => ({ items: NODES() }),
  "/nodes/node-1": DETAIL,
  "/nodes/node-1/availability": availability,
  "/nodes/node-1/earnings": () => ({ items: earnings() }),
  "/nodes/node-1/intervals": (url) => ({ items: intervals(Number(url.searchParams.get("to_ms"))) }),
  "/nodes/node-1/pause": () => ({
    ...DETAIL(),
    info: { ...heron(), state: "paused", reason: "paused: by its owner" },
    pause: { since_ms: Date.now(), finish: false },
  }),
};

/** The grid's API. */
export const lender: Api = (_request, response, url) => {
  const path = url.pathname.replace("/api/v1", "");
  const answer = LENDING[path] ?? PEOPLE[path] ?? ADMIN[path];
  return answer ? json(response, answer(url)) : false;
};

/** A grid in which nobody is logged in. */
export const visitor: Api = (_request, response, url) => {
  const path = url.pathname.replace("/api/v1", "");
  if (path === "/grid") return json(response, PEOPLE["/grid"]?.());
  if (path === "/session") problem(response, 401, "wrong-credentials", "the name or the password is wrong");
  else if (path === "/register" || path === "/password/forgot") return json(response, {}, 202);
  else problem(response, 401, "no-session", "you are not logged in");
  return true;
};

/** A node's own page. */
export const node: Api = (_request, response, url) => {
  const known: Record<string, () => unknown> = {
    "/api/status": () => ({
      name: "heron-3",
      node: "node-1",
      grid: "Meadow",
      url: "https://meadow.example.org",
      owner: "mia",
      state: "working",
      slots: 6,
      units: [
        {
          job_name: "cells",
          own: false,
          stage: 1,
          seq: 2515,
          progress_milli: 740,
          started_at_ms: Date.now() - 41_000,
        },
        {
          job_name: "cells",
          own: false,
          stage: 1,
          seq: 2519,
          progress_milli: 310,
          started_at_ms: Date.now() - 18_000,
        },
        { job_name: "primes", own: true, stage: 1, seq: 7, started_at_ms: Date.now() - 4000 },
      ],
      takes_strangers: true,
      units_done: 812,
      version: "0.1.0",
    }),
    "/api/preferences": () => ({
      ...PREFERENCES,
      seen: { on_battery: false, idle_s: 420, others_cpu_percent: 3, temperature_c: 52, programs: [] },
    }),
    "/api/earnings": () => ({
      credits: true,
      sums: { today: 6.42 * CREDIT, verified: 318.07 * CREDIT, pending: 1.1 * CREDIT },
      days: earnings(),
    }),
    "/api/history": () => ({
      items: [
        { at_ms: AT(), what: "resumed" },
        { at_ms: AT() - HOUR, what: "paused", why: "paused: battery 41 % below 60 %" },
        { at_ms: AT() - 3 * HOUR, what: "online" },
      ],
    }),
    "/api/log": () => ({ lines: [`INFO unit done ${EVIL}`, "INFO connected to https://meadow.example.org"] }),
    "/api/limits": () => ({
      runs: "programs of anyone on Meadow, each in a process of its own without network and files",
      reaches: "its own input and scratch space: no network, no other files, no other programs",
      slots: 6,
      memory_bytes: 9.6e9,
      disk_bytes: null,
      priority: "lowest",
    }),
  };
  const answer = known[url.pathname];
  return answer ? json(response, answer()) : false;
};
