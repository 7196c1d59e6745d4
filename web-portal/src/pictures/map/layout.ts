/**
 * Where a unit lies in the map, and how much a cell stands for. Lengths are CSS pixels unless they say otherwise.
 * The first level shows all units at once; each next one shows more of less, down to large cells of one unit.
 */
import { BADNESS } from "@/words/states";

/** A cell's pitch: smallest that still shows a notch, and largest that does not look silly. */
const PITCH_MIN = 4;
const PITCH_MAX = 18;
/** Pitches of single units while zooming in. */
const PITCHES_IN = [6, 9, 13, 18];
/** Most rows that a scrolling area can be high, pixels: browsers give up somewhat above. */
const HEIGHT_MAX = 8_000_000;

export type Level = {
  /** Units that a cell stands for. */
  perCell: number;
  /** From one cell's left edge to the next one's. */
  pitch: number;
  columns: number;
  rows: number;
};

/** Round numbers at least as large as `n`: 1, 2, 5, 10, … */
export function roundUp(n: number): number {
  let power = 1;
  for (;;) {
    for (const step of [1, 2, 5]) if (step * power >= n) return step * power;
    power *= 10;
  }
}

function roundBelow(n: number): number {
  let best = 1;
  for (let power = 1; power < n; power *= 10) {
    for (const step of [1, 2, 5]) if (step * power < n) best = step * power;
  }
  return best;
}

/** Columns of a pitch: tens where there is room, so that rows can be counted. */
function columnsOf(width: number, pitch: number): number {
  const fit = Math.max(1, Math.floor(width / pitch));
  return fit >= 20 ? fit - (fit % 10) : fit;
}

/** A level of about this pitch, stretched so that its columns fill the width. */
function level(total: number, width: number, pitch: number, perCell: number): Level {
  const columns = columnsOf(width, pitch);
  return { perCell, pitch: width / columns, columns, rows: Math.ceil(Math.ceil(total / perCell) / columns) };
}

/** All levels for a map of `total` units in an area of `width` × `height`; the first one shows everything. */
export function levels(total: number, width: number, height: number): Level[] {
  const all = overview(total, width, height);
  const list = [all];
  for (let perCell = roundBelow(all.perCell); list.at(-1)?.perCell !== 1; perCell = roundBelow(perCell)) {
    list.push(level(total, width, PITCH_MIN + 1, perCell));
  }
  for (const pitch of PITCHES_IN) {
    if (pitch >= (list.at(-1)?.pitch ?? 0) * 1.3) list.push(level(total, width, pitch, 1));
  }
  return list.filter((one, n) => n === 0 || (one.rows * one.pitch < HEIGHT_MAX && one.rows > all.rows));
}

function overview(total: number, width: number, height: number): Level {
  for (let pitch = PITCH_MAX; pitch > PITCH_MIN; pitch -= 1) {
    const one = level(total, width, pitch, 1);
    if (one.rows * one.pitch <= height) return one;
  }
  const shape = level(total, width, PITCH_MIN, 1);
  const cells = shape.columns * Math.max(1, Math.floor(height / shape.pitch));
  return level(total, width, PITCH_MIN, roundUp(Math.max(1, total / cells)));
}

/** Unit at a point of the whole (scrolled) area; none in the gaps beyond the last. */
export function unitAt(level: Level, total: number, x: number, y: number): number | undefined {
  const [column, row] = [Math.floor(x / level.pitch), Math.floor(y / level.pitch)];
  if (column < 0 || row < 0 || column >= level.columns) return undefined;
  const unit = (row * level.columns + column) * level.perCell;
  return unit < total ? unit : undefined;
}

/** Upper left corner of the cell of a unit. */
export function cornerOf(level: Level, unit: number): [x: number, y: number] {
  const cell = Math.floor(unit / level.perCell);
  return [(cell % level.columns) * level.pitch, Math.floor(cell / level.columns) * level.pitch];
}

/** Where to scroll so that `unit` stays at the height `y` of the view. */
export const scrollFor = (level: Level, unit: number, y: number): number =>
  Math.max(0, cornerOf(level, unit)[1] + level.pitch / 2 - y);

/** Worst state of each block of `perCell` units, for the blocks that `from..to` touches. */
export function downsample(
  states: Uint8Array,
  total: number,
  perCell: number,
  into: Uint8Array,
  from = 0,
  to = total,
): void {
  if (perCell === 1) {
    into.set(states.subarray(from, Math.min(to, total)), from);
    return;
  }
  const last = Math.ceil(Math.min(to, total) / perCell);
  for (let block = Math.floor(from / perCell); block < last; block++) {
    const end = Math.min(total, (block + 1) * perCell);
    let worst = states[block * perCell] ?? 0;
    for (let unit = block * perCell + 1; unit < end; unit++) {
      const state = states[unit] ?? 0;
      if ((BADNESS[state] ?? 0) > (BADNESS[worst] ?? 0)) worst = state;
    }
    into[block] = worst;
  }
}

/**
 * Unit to which a key leads from `from` (none: nothing is marked yet); none for keys that lead nowhere.
 * @param page rows that are seen at once
 */
export function walk(
  key: string,
  from: number | undefined,
  level: Level,
  total: number,
  page: number,
): number | undefined {
  const [cell, row] = [level.perCell, level.perCell * level.columns];
  const at = from ?? 0;
  const last = total - 1;
  const steps: Record<string, number> = {
    ArrowRight: at + cell,
    ArrowLeft: at - cell,
    ArrowDown: at + row > last ? at : at + row,
    ArrowUp: at - row < 0 ? at : at - row,
    PageDown: at + page * row,
    PageUp: at - page * row,
    Home: 0,
    End: last,
  };
  const to = steps[key];
  if (to === undefined || total === 0) return undefined;
  const unit = from === undefined && key !== "End" ? 0 : Math.max(0, Math.min(last, to));
  return unit - (unit % cell);
}
