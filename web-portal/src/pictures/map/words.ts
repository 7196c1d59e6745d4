/** What a cell is, in words: for the one who points at it, and for the one who hears it. */
import { count } from "@/words/format";
import { UNIT_WORDS } from "@/words/states";
import type { UnitMap } from "./model";

/** `unit 1,733 · running`, or `units 1,200–1,249 · 40 done, 9 running, 1 failed`. */
export function cellWords(map: UnitMap, unit: number, perCell: number): string {
  const first = unit - (unit % perCell);
  const end = Math.min(first + perCell, map.total);
  if (end - first === 1) return `unit ${count(first)} · ${UNIT_WORDS[map.states[first] ?? 0]}`;
  return `units ${count(first)}–${count(end - 1)} · ${countWords(map.counts(first, end))}`;
}

/** `40 done, 9 running, 1 failed`: what there is, most of it first. */
export function countWords(counts: readonly number[]): string {
  const there = counts.map((n, state) => ({ n, word: UNIT_WORDS[state] })).filter(({ n }) => n > 0);
  return (
    there
      .sort((a, b) => b.n - a.n)
      .map(({ n, word }) => `${count(n)} ${word}`)
      .join(", ") || "no units yet"
  );
}
