import { expect, test } from "vitest";
import { plain } from "./plain";

test("a log keeps its words and loses its tricks", () => {
  expect(plain("\u001b[31mred\u001b[0m\ttab\r\nline")).toBe("red\ttab\nline");
  expect(plain("\u001b]0;title\u0007after")).toBe("after");
  expect(plain("a\u0000b\u0008c\u202ed")).toBe("a\ufffdb\ufffdc\ufffdd");
  expect(plain("<b>täxt</b> 10⁹")).toBe("<b>täxt</b> 10⁹");
});
