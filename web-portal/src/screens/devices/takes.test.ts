import { expect, test } from "vitest";
import { digests, lines, takesWords } from "./takes";

test("whose work it takes, in words", () => {
  expect(takesWords({ who: "own", not_authors: [], not_modules: [] })).toBe("only mine");
  expect(takesWords({ who: "anyone", not_authors: ["a", "b"], not_modules: ["c"] })).toBe(
    "anyone's but 2 authors, 1 program",
  );
});

test("lists from texts", () => {
  expect(lines(" ann, bob\nann ")).toEqual(["ann", "bob"]);
  expect(digests("a".repeat(64))).toBeUndefined();
  expect(digests(`${"a".repeat(64)} beef`)).toMatch(/^beef is no program/);
});
