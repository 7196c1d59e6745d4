import { expect, test } from "vitest";
import { tokenOf } from "./api";

test("only a token is taken from the address", () => {
  expect(tokenOf("#token=ABCDEFGH23")).toBe("ABCDEFGH23");
  expect(tokenOf("#token=short")).toBeUndefined();
  expect(tokenOf("#token=<script>alert(1)</script>")).toBeUndefined();
  expect(tokenOf("#other=ABCDEFGH23")).toBeUndefined();
  expect(tokenOf("")).toBeUndefined();
});
