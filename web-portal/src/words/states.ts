/** States of units, jobs and nodes: their words, their colours, and how bad they are. */

/** Unit states in the order of the bytes that the server sends; the byte is the index. */
export const UNIT_STATES = ["waiting", "running", "checking", "done", "again", "failed", "left_out"] as const;
export type UnitStateName = (typeof UNIT_STATES)[number];

export const WAITING = 0;
export const RUNNING = 1;
export const CHECKING = 2;
export const DONE = 3;
export const AGAIN = 4;
export const FAILED = 5;
export const LEFT_OUT = 6;

/** Words for people, by byte. */
export const UNIT_WORDS = ["waiting", "running", "checking", "done", "again", "failed", "left out"] as const;

/** What a block of many shows: the highest of its units. What went wrong comes before what moves and what waits. */
export const BADNESS: readonly number[] = [1, 2, 3, 0, 4, 6, 5];

/** Name of the CSS colour `--s-NAME` of each byte. */
export const UNIT_COLOURS = ["wait", "run", "check", "done", "again", "fail", "left"] as const;
export type Tone = (typeof UNIT_COLOURS)[number];

/** The colour and word of any state that the API names. */
export function stateLook(state: string): { tone: Tone; word: string } {
  return { tone: TONES[state] ?? "wait", word: state.replaceAll("_", " ") };
}

const TONES: Record<string, Tone> = {
  waiting: "wait",
  splitting: "run",
  running: "run",
  assembling: "check",
  checking: "check",
  done: "done",
  again: "again",
  failed: "fail",
  left_out: "left",
  cancelled: "wait",
  online: "done",
  working: "done",
  idle: "run",
  paused: "again",
  draining: "again",
  finishing: "again",
  offline: "wait",
  suspended: "fail",
};
