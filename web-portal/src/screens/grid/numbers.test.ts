import { expect, test } from "vitest";
import { parseFuel, wholeUpTo } from "./numbers";

test("fuel with its powers", () => {
  expect(parseFuel("500 G")).toBe(500e9);
  expect(parseFuel("1.5t")).toBe(1.5e12);
  expect(parseFuel("12,000")).toBe(12_000);
  expect(parseFuel("many")).toBeUndefined();
  expect(parseFuel("-1")).toBeUndefined();
  expect(parseFuel("999999999999999 P")).toBeUndefined();
});

test("whole numbers within their limit", () => {
  expect(wholeUpTo("0", 10)).toBe(0);
  expect(wholeUpTo("1,000", 1000)).toBe(1000);
  expect(wholeUpTo("11", 10)).toBeUndefined();
  expect(wholeUpTo("1.5", 10)).toBeUndefined();
});
