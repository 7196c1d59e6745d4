/** The map's model, its layout and its pixels. Random cases come from a seed, so that they fail again. */
import { describe, expect, test } from "vitest";
import { DONE, FAILED, LEFT_OUT, RUNNING, WAITING } from "@/words/states";
import { cornerOf, downsample, levels, roundUp, scrollFor, unitAt, walk } from "./layout";
import { decode, encode, UnitMap } from "./model";
import { paint, pixel } from "./paint";

function random(seed: number): (below: number) => number {
  let s = seed;
  return (below) => {
    s = (s * 16807) % 2147483647;
    return s % below;
  };
}

function sample(total: number, seed: number): Uint8Array {
  const r = random(seed);
  const states = new Uint8Array(total);
  for (let unit = 0; unit < total; ) {
    const len = 1 + r(r(5) === 0 ? 5000 : 9);
    states.fill(r(7), unit, unit + len);
    unit += len;
  }
  return states;
}

describe("the map's bytes", () => {
  test("come back as they were sent, also a million of them", () => {
    for (const total of [0, 1, 127, 128, 70_001, 1_000_000]) {
      const states = sample(total, total + 1);
      const back = decode(encode(7, states));
      expect(back.version).toBe(7);
      expect(Buffer.compare(back.states, states)).toBe(0);
    }
  });

  test("are refused where they are broken", () => {
    const good = encode(1, sample(1000, 5));
    const head = (total: bigint, ...runs: number[]) => {
      const bytes = new Uint8Array(16 + runs.length);
      new DataView(bytes.buffer).setBigUint64(8, total, true);
      bytes.set(runs, 16);
      return bytes;
    };
    const wrong = [
      new Uint8Array(15),
      good.subarray(0, good.length - 1),
      Uint8Array.of(...good, 8),
      head(1n << 60n),
      head(1n, 15),
      head(1n, 128),
      head(3n, 255, 255, 255, 255, 255, 255, 255, 255, 255),
    ];
    for (const [n, bytes] of wrong.entries()) expect(() => decode(bytes), `case ${n}`).toThrow(RangeError);
  });
});

describe("changes", () => {
  test("lead to the same map as asking for it anew", () => {
    const r = random(11);
    const truth = sample(5000, 3);
    const map = new UnitMap();
    map.load(encode(1, truth));
    for (let version = 2; version < 400; version++) {
      const runs = Array.from({ length: 1 + r(5) }, () => {
        const first = r(truth.length);
        return [first, 1 + r(Math.min(60, truth.length - first)), r(7)] as const;
      });
      for (const [first, len, state] of runs) truth.fill(state, first, first + len);
      map.apply({ version, total: truth.length, runs });
    }
    expect(Buffer.compare(map.states.subarray(0, map.total), truth)).toBe(0);
    expect(map.all).toEqual(map.counts(0, map.total));
  });

  test("that are old change nothing, and such that are nonsense are refused", () => {
    const map = new UnitMap();
    map.load(encode(5, new Uint8Array(10)));
    map.apply({ version: 5, total: 10, runs: [[0, 10, DONE]] });
    expect(map.counts(0, 10)[DONE]).toBe(0);
    for (const run of [
      [9, 2, 0],
      [-1, 1, 0],
      [0, 1, 9],
      [0, Number.NaN, 0],
      [0.5, 1, 0],
    ] as const) {
      expect(() => map.apply({ version: 6, total: 10, runs: [run] })).toThrow(RangeError);
    }
    expect(() => map.apply({ version: 6, total: 1e300, runs: [] })).toThrow(RangeError);
  });

  test("make the map longer while units are still cut, and tell what changed", () => {
    const map = new UnitMap();
    const told: [number, number][] = [];
    map.subscribe((from, to) => told.push([from, to]));
    map.load(encode(1, new Uint8Array(3)));
    map.apply({
      version: 2,
      total: 6,
      runs: [
        [1, 2, DONE],
        [4, 1, RUNNING],
      ],
    });
    expect([...map.states.subarray(0, 6)]).toEqual([WAITING, DONE, DONE, WAITING, RUNNING, WAITING]);
    expect(map.all).toEqual(map.counts(0, 6));
    expect(told).toEqual([
      [0, 3],
      [3, 6],
      [1, 5],
    ]);
  });
});

describe("levels", () => {
  const sizes = [1, 7, 100, 4096, 30_000, 1_000_000, 49_999_999];

  test("the first shows everything, the last has one unit a cell", () => {
    for (const total of sizes) {
      for (const [width, height] of [
        [640, 500],
        [320, 300],
        [1100, 560],
      ] as const) {
        const list = levels(total, width, height);
        const first = list[0];
        expect(first && first.rows * first.pitch).toBeLessThanOrEqual(height);
        for (const one of list) {
          expect(one.columns * one.pitch).toBeCloseTo(width);
          expect(one.columns * one.rows * one.perCell).toBeGreaterThanOrEqual(total);
        }
        if (total <= 1_000_000) expect(list.at(-1)?.perCell).toBe(1);
      }
    }
  });

  test("each next one resolves more", () => {
    const list = levels(1_000_000, 640, 500);
    expect(list.length).toBeGreaterThan(4);
    for (const [n, one] of list.entries()) {
      const before = list[n - 1];
      if (before) expect(one.pitch / one.perCell).toBeGreaterThan(before.pitch / before.perCell);
    }
  });

  test("every unit is found where it is drawn, and stays there while zooming", () => {
    for (const one of levels(30_000, 640, 500)) {
      for (const unit of [0, 1, 12_345, 29_999]) {
        const [x, y] = cornerOf(one, unit);
        const found = unitAt(one, 30_000, x + 1, y + 1);
        expect(found).toBe(unit - (unit % one.perCell));
        const scroll = scrollFor(one, unit, 100);
        if (scroll > 0) expect(y + one.pitch / 2 - scroll).toBeCloseTo(100);
      }
      expect(unitAt(one, 30_000, -1, 5)).toBeUndefined();
      expect(unitAt(one, 30_000, 5, one.rows * one.pitch + 1)).toBeUndefined();
    }
  });

  test("keys walk over cells and stay inside", () => {
    const level = { perCell: 10, pitch: 5, columns: 4, rows: 3 };
    const go = (key: string, from?: number) => walk(key, from, level, 105, 2);
    expect(go("ArrowRight")).toBe(0);
    expect(go("ArrowRight", 0)).toBe(10);
    expect(go("ArrowLeft", 0)).toBe(0);
    expect(go("ArrowDown", 20)).toBe(60);
    expect(go("ArrowDown", 70)).toBe(70);
    expect(go("ArrowUp", 20)).toBe(20);
    expect(go("PageDown", 20)).toBe(100);
    expect(go("End", 20)).toBe(100);
    expect(go("a", 20)).toBeUndefined();
  });

  test("round numbers are round", () => {
    expect([1, 2, 3, 6, 49, 50, 51, 1001].map(roundUp)).toEqual([1, 2, 5, 10, 50, 50, 100, 2000]);
  });
});

test("a block shows its worst unit, and changes touch only their blocks", () => {
  const states = sample(10_007, 21);
  const [all, parts] = [new Uint8Array(1001), new Uint8Array(1001)];
  downsample(states, states.length, 10, parts);
  states.fill(FAILED, 5_005, 5_006);
  states.fill(WAITING, 42, 90);
  downsample(states, states.length, 10, parts, 5_005, 5_006);
  downsample(states, states.length, 10, parts, 42, 90);
  downsample(states, states.length, 10, all);
  expect(Buffer.compare(all, parts)).toBe(0);
  expect(all[500]).toBe(FAILED);
});

describe("pixels", () => {
  const palette = { states: Uint32Array.from([1, 2, 3, 4, 5, 6, 7]), background: 99 };
  const draw = (cells: number[], scroll: number) => {
    const level = { perCell: 1, pitch: 4, columns: 2, rows: 2 };
    const pixels = new Uint32Array(10 * 8);
    paint(pixels, 10, 8, level, Uint8Array.from(cells), cells.length, scroll, 1, palette);
    return Array.from({ length: 8 }, (_, y) => [...pixels.subarray(y * 10, y * 10 + 10)].join(" "));
  };

  test("cells are filled with gaps between, and what failed has a notch", () => {
    expect(draw([DONE, FAILED, LEFT_OUT], 0)).toEqual([
      "4 4 4 99 6 6 99 99 99 99",
      "4 4 4 99 6 6 6 99 99 99",
      "4 4 4 99 6 6 6 99 99 99",
      "99 99 99 99 99 99 99 99 99 99",
      "7 7 7 99 99 99 99 99 99 99",
      "7 7 7 99 99 99 99 99 99 99",
      "99 7 7 99 99 99 99 99 99 99",
      "99 99 99 99 99 99 99 99 99 99",
    ]);
  });

  test("a scrolled map begins in the midst of a row", () => {
    expect(draw([DONE, DONE, RUNNING], 2).slice(0, 4)).toEqual([
      "4 4 4 99 4 4 4 99 99 99",
      "99 99 99 99 99 99 99 99 99 99",
      "2 2 2 99 99 99 99 99 99 99",
      "2 2 2 99 99 99 99 99 99 99",
    ]);
  });

  test("colours become pixels", () => {
    expect(pixel("rgb(1, 2, 3)")).toBe(0xff030201);
  });
});
