import { expect, test } from "vitest";
import * as f from "./format";

test("credits keep the digits that matter", () => {
  expect(f.credits(1_284_200_000)).toBe("1,284.20");
  expect(f.credits(0)).toBe("0.00");
  expect(f.credits(1)).toBe("0.000001");
  expect(f.signedCredits(-500_000)).toBe("−0.50");
  expect(f.signedCredits(6_420_000)).toBe("+6.42");
});

test("typed credits are whole micro-credits or nothing", () => {
  expect(f.parseCredits("40")).toBe(40_000_000);
  expect(f.parseCredits(" 0,000001 ")).toBe(1);
  expect(f.parseCredits("12.5")).toBe(12_500_000);
  for (const wrong of ["", "0", "0.0", "-3", "1e9", "1.0000001", "12345678901", "NaN", "1,000.5"]) {
    expect(f.parseCredits(wrong), wrong).toBeUndefined();
  }
});

test("bytes, fuel and times pick a unit that can be read", () => {
  expect([0, 999, 1000, 69_400, 999_600, 1_950_000_000].map(f.bytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "69 kB",
    "1.0 MB",
    "1.9 GB",
  ]);
  expect([0, 950, 1_900_000_000, 4e12].map(f.fuel)).toEqual(["0", "950", "1.9 G", "4.0 T"]);
  expect([0, 41, 1500, 41_000, 540_000, 22_800_000, 259_200_000].map(f.duration)).toEqual([
    "0 ms",
    "41 ms",
    "1.5 s",
    "41 s",
    "9 min",
    "6 h 20",
    "3 days",
  ]);
  expect(f.age(1000, 2000)).toBe("now");
  expect(f.age(0, 41_000)).toBe("41 s ago");
});

test("rates of slow jobs are told by the minute or hour", () => {
  expect(f.rate(0)).toEqual(["0", "units/s"]);
  expect(f.rate(4800)).toEqual(["4.8", "units/s"]);
  expect(f.rate(1_234_000)).toEqual(["1,234", "units/s"]);
  expect(f.rate(50)).toEqual(["3.0", "units/min"]);
  expect(f.rate(1)).toEqual(["3.6", "units/h"]);
});

test("a share is whole only when all of it is there", () => {
  expect(f.percent(999_999, 1_000_000)).toBe("99 %");
  expect(f.percent(1, 1_000_000)).toBe("1 %");
  expect(f.percent(0, 10)).toBe("0 %");
  expect(f.percent(10, 10)).toBe("100 %");
  expect(f.percent(0, 0)).toBe("0 %");
});

test("an end is told as a span, with its day where that is another", () => {
  const noon = new Date(2026, 10, 21, 12, 0).getTime();
  expect(f.finishes(600, 2400, noon)).toBe("12:10–12:40");
  expect(f.finishes(600, 610, noon)).toBe("12:10");
  expect(f.finishes(0, 86_400, noon)).toBe("Sat 21 Nov – Sun 22 Nov");
});
