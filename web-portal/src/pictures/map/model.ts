/**
 * The states of a job's units, a byte each, kept current by runs of changes. No drawing here.
 * Everything comes from outside: numbers are held against limits before anything is allocated.
 */
import { UNIT_STATES, WAITING } from "@/words/states";

/** More units than a job may have; a map beyond it is nonsense. */
export const UNITS_MAX = 50_000_000;

/** `first` unit, how many, and their state. */
export type Run = readonly [first: number, len: number, state: number];
export type MapChange = { version: number; total: number; runs: readonly Run[] };

type Listener = (from: number, to: number) => void;

export class UnitMap {
  /** Rises with every change. */
  version = 0;
  /** Units there are; `states` may have room for more. */
  total = 0;
  states = new Uint8Array(0);
  /** Units by state, of all of them. */
  readonly all: number[] = UNIT_STATES.map(() => 0);
  private readonly listeners = new Set<Listener>();

  /** Call `listener` with the span of units that changed; gives back how to stop. */
  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** Take the whole map: `version: u64, total: u64`, then LEB128 runs of `len << 3 | state`. */
  load(bytes: Uint8Array): void {
    const { version, total, states } = decode(bytes);
    this.version = version;
    this.total = total;
    this.states = states;
    const counts = this.counts(0, total);
    for (const state of UNIT_STATES.keys()) this.all[state] = counts[state] ?? 0;
    this.tell(0, total);
  }

  /** Take changes. What is older than the map is left alone; what is out of its bounds is an error. */
  apply(change: MapChange): void {
    if (!isCount(change.version) || !isCount(change.total)) throw new RangeError("changes without numbers");
    if (change.version <= this.version && change.total <= this.total) return;
    this.grow(change.total);
    let [from, to] = [this.total, 0];
    for (const [first, len, state] of change.runs) {
      if (!isCount(first) || !isCount(len) || first + len > this.total || !UNIT_STATES[state]) {
        throw new RangeError("changes outside of the map");
      }
      this.put(first, first + len, state);
      from = Math.min(from, first);
      to = Math.max(to, first + len);
    }
    this.version = Math.max(this.version, change.version);
    if (to > from) this.tell(from, to);
  }

  /** How many units of `from..to` have each state. */
  counts(from: number, to: number): number[] {
    const counts = UNIT_STATES.map(() => 0);
    for (let unit = from; unit < Math.min(to, this.total); unit++) {
      const state = this.states[unit] ?? WAITING;
      counts[state] = (counts[state] ?? 0) + 1;
    }
    return counts;
  }

  private put(from: number, to: number, state: number): void {
    const { states, all } = this;
    for (let unit = from; unit < to; unit++) {
      const old = states[unit] ?? WAITING;
      all[old] = (all[old] ?? 0) - 1;
    }
    states.fill(state, from, to);
    all[state] = (all[state] ?? 0) + to - from;
  }

  private grow(total: number): void {
    if (total <= this.total) return;
    const before = this.total;
    if (total > this.states.length) {
      const room = new Uint8Array(Math.min(UNITS_MAX, Math.max(total, this.states.length * 2)));
      room.set(this.states.subarray(0, before));
      this.states = room;
    }
    this.total = total;
    this.all[WAITING] = (this.all[WAITING] ?? 0) + total - before;
    this.tell(before, total);
  }

  private tell(from: number, to: number): void {
    for (const listener of this.listeners) listener(from, to);
  }
}

const isCount = (n: unknown): n is number =>
  Number.isSafeInteger(n) && (n as number) >= 0 && (n as number) <= UNITS_MAX * 1000;

/** Reads what `GET jobs/{id}/map` sends. */
export function decode(bytes: Uint8Array): {
  version: number;
  total: number;
  states: Uint8Array<ArrayBuffer>;
} {
  if (bytes.length < 16) throw new RangeError("the map is too short");
  const head = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const version = Number(head.getBigUint64(0, true));
  const total = Number(head.getBigUint64(8, true));
  if (total > UNITS_MAX) throw new RangeError("the map is too large");
  const states = new Uint8Array(total);
  let [at, unit] = [16, 0];
  while (at < bytes.length) {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 42) throw new RangeError("the map is cut off");
      value += (byte & 127) * scale;
      if (byte < 128) break;
      scale *= 128;
    }
    const state = value % 8;
    const len = Math.floor(value / 8);
    if (state >= UNIT_STATES.length || unit + len > total) throw new RangeError("the map is broken");
    states.fill(state, unit, unit + len);
    unit += len;
  }
  if (unit !== total) throw new RangeError("the map is incomplete");
  return { version, total, states };
}

/** The other way, for sample data and tests. */
export function encode(version: number, states: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (let unit = 0; unit < states.length; ) {
    let end = unit + 1;
    while (end < states.length && states[end] === states[unit]) end += 1;
    let value = (end - unit) * 8 + (states[unit] ?? 0);
    while (value >= 128) {
      out.push((value % 128) + 128);
      value = Math.floor(value / 128);
    }
    out.push(value);
    unit = end;
  }
  const bytes = new Uint8Array(16 + out.length);
  const head = new DataView(bytes.buffer);
  head.setBigUint64(0, BigInt(version), true);
  head.setBigUint64(8, BigInt(states.length), true);
  bytes.set(out, 16);
  return bytes;
}
