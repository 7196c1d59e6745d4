/** Invented data, the same each time. */
import { encode, type MapChange, UnitMap } from "@/pictures/map/model";
import { AGAIN, CHECKING, DONE, FAILED, LEFT_OUT, RUNNING, WAITING } from "@/words/states";

export function chance(seed: number): () => number {
  let s = seed;
  return () => {
    s = (s * 16807) % 2147483647;
    return s / 2147483647;
  };
}

/** A job in the midst of its work. */
export function sampleMap(total: number, share = 0.62): UnitMap {
  const r = chance(7);
  const states = new Uint8Array(total);
  const [ready, front] = [total * share, total * (share + 0.1)];
  const rare = Math.min(1, 20_000 / total);
  for (let unit = 0; unit < front; unit++) {
    const x = r();
    if (unit < ready)
      states[unit] = x < 0.03 * rare ? CHECKING : x < 0.038 * rare ? FAILED : x < 0.041 * rare ? AGAIN : DONE;
    else states[unit] = x < 0.66 ? RUNNING : x < 0.8 ? CHECKING : x < 0.97 ? DONE : AGAIN;
  }
  if (total > 200) states.fill(LEFT_OUT, 180, 183);
  const map = new UnitMap();
  map.load(encode(1, states));
  return map;
}

/** The next changes of a job that goes on: what runs gets done, what waits begins to run. */
export function sampleChange(map: UnitMap, units: number, r: () => number): MapChange {
  const runs: [number, number, number][] = [];
  let first = map.states.indexOf(RUNNING);
  for (let n = 0; n < units && first >= 0 && first < map.total; n++) {
    const x = r();
    runs.push([first, 1, x < 0.9 ? DONE : x < 0.98 ? CHECKING : x < 0.995 ? AGAIN : FAILED]);
    first = map.states.indexOf(RUNNING, first + 1);
  }
  const waiting = map.states.indexOf(WAITING);
  if (waiting >= 0 && waiting < map.total)
    runs.push([waiting, Math.min(units, map.total - waiting), RUNNING]);
  return { version: map.version + 1, total: map.total, runs };
}

/** An office computer's week. */
export function sampleWeek(): (number | undefined)[] {
  const r = chance(11);
  return Array.from({ length: 168 }, (_, at) => {
    const [day, hour] = [Math.floor(at / 24), at % 24];
    if (day > 4) return 0.02 + 0.08 * r();
    const share =
      hour >= 9 && hour < 17 ? 0.88 + 0.1 * r() : hour === 17 ? 0.3 : hour === 8 ? 0.45 : 0.04 * r();
    return day === 4 && hour >= 15 ? share * 0.6 : share;
  });
}
