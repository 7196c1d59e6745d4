import { expect, test } from "vitest";
import { asRow, hourOfWeek, reasonOf, sharesOf, stateOf, turnsAt } from "./model";

test("an online device is idle or works", () => {
  expect(stateOf({ state: "online", working: true })).toBe("working");
  expect(stateOf({ state: "online" })).toBe("idle");
  expect(stateOf({ state: "paused", working: true })).toBe("paused");
});

test("the badge's word is not said twice", () => {
  expect(reasonOf({ reason: "paused: battery 41 % below 60 %" })).toBe("battery 41 % below 60 %");
  expect(reasonOf({ reason: null })).toBe("");
});

test("a row says how full it is", () => {
  const info = {
    id: "n1",
    name: "heron",
    state: "online",
    working: true,
    reason: null,
    slots: 6,
    units_held: 4,
    units_done: 0,
    fuel: 0,
    seen_at_ms: 5,
    machine: "8 cores",
    checks_passed: 0,
    results_wrong: 0,
  };
  expect(asRow(info)).toMatchObject({ state: "working", does: "4 of 6 slots", today: 0, reason: undefined });
});

test("hours that were hardly looked at are not known", () => {
  const cell = { seen_s: 3600, here_permille: 880, working_permille: 500 };
  expect(sharesOf({ weeks_milli: 1000, cells: [cell, { ...cell, seen_s: 20 }] })).toEqual([0.88, undefined]);
});

test("Monday midnight is the first hour of the week", () => {
  expect(hourOfWeek(new Date(2026, 10, 16, 0, 30))).toBe(0);
  expect(hourOfWeek(new Date(2026, 10, 22, 23, 59))).toBe(167);
});

test("when it leaves, and when it comes", () => {
  const week = Array.from({ length: 168 }, (_, at) => (at % 24 >= 9 && at % 24 < 17 ? 0.9 : 0.05));
  expect(turnsAt(week, 14, true)).toBe(17);
  expect(turnsAt(week, 20, false)).toBe(9);
  expect(turnsAt(week, 20, true)).toBeUndefined();
  expect(turnsAt(Array(168).fill(0.9), 14, true)).toBeUndefined();
  expect(turnsAt(Array(168).fill(undefined), 14, true)).toBeUndefined();
});
