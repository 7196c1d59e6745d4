/** Whose work a device takes, in words and from forms. Pure. */
import type { Takes } from "@/api/lending";
import { counted } from "@/words/format";

const WHO: Record<Takes["who"], string> = { own: "only mine", groups: "my groups'", anyone: "anyone's" };

export const WHOSE: { value: Takes["who"]; title: string; says: string }[] = [
  { value: "own", title: "Only mine", says: "Your own jobs and nothing else." },
  { value: "groups", title: "My groups'", says: "Yours, and those of members of your groups." },
  { value: "anyone", title: "Anyone's", says: "Everybody's on this grid; that earns most." },
];

/** `anyone's but 2 authors`. */
export function takesWords(takes: Takes): string {
  const but = [
    takes.not_authors.length > 0 && counted(takes.not_authors.length, "author"),
    takes.not_modules.length > 0 && counted(takes.not_modules.length, "program"),
  ].filter(Boolean);
  return but.length > 0 ? `${WHO[takes.who]} but ${but.join(", ")}` : WHO[takes.who];
}

/** Names or digests from a text with one a line, or commas between. */
export const lines = (text: string): string[] => [
  ...new Set(
    text
      .split(/[\s,]+/)
      .map((word) => word.trim())
      .filter((word) => word !== ""),
  ),
];

/** What is wrong with a list of program digests. */
export const digests = (text: string): string | undefined => {
  const wrong = lines(text).find((word) => !/^[0-9a-f]{64}$/i.test(word));
  return wrong
    ? `${wrong.slice(0, 20)} is no program's digest: those have 64 hexadecimal letters.`
    : undefined;
};
