/** Cells into pixels, without a canvas: a scanline a row of cells, copied down, then the notches. */
import { FAILED, LEFT_OUT } from "@/words/states";
import type { Level } from "./layout";

export type Palette = {
  /** 32-bit pixels (ABGR in memory order of little-endian machines) by state. */
  states: Uint32Array;
  background: number;
};

/** `rgb(1, 2, 3)` as a pixel. */
export function pixel(colour: string): number {
  const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/**
 * Draw the rows that lie in the view.
 * @param cells worst state of each cell, `count` of them
 * @param scroll how far the area is scrolled, CSS pixels
 * @param scale device pixels a CSS pixel
 */
export function paint(
  pixels: Uint32Array,
  width: number,
  height: number,
  level: Level,
  cells: Uint8Array,
  count: number,
  scroll: number,
  scale: number,
  palette: Palette,
): void {
  pixels.fill(palette.background);
  const pitch = level.pitch * scale;
  const gap = Math.max(1, Math.round(Math.min(level.pitch / 8, 1.6) * scale));
  const top = Math.round(scroll * scale);
  const firstRow = Math.max(0, Math.floor(top / pitch));
  const lastRow = Math.min(level.rows, Math.ceil((top + height) / pitch));
  for (let row = firstRow; row < lastRow; row++) {
    const [y0, y1] = [Math.round(row * pitch) - top, Math.round((row + 1) * pitch) - gap - top];
    const [from, to] = [Math.max(0, y0), Math.min(height, y1)];
    if (to <= from) continue;
    const first = row * level.columns;
    const columns = Math.min(level.columns, count - first);
    const line = from * width;
    for (let column = 0; column < columns; column++) {
      const x0 = Math.round(column * pitch);
      const x1 = Math.min(width, Math.round((column + 1) * pitch) - gap);
      pixels.fill(palette.states[cells[first + column] ?? 0] ?? 0, line + x0, line + x1);
    }
    for (let y = from + 1; y < to; y++) pixels.copyWithin(y * width, line, line + width);
    for (let column = 0; column < columns; column++) {
      const state = cells[first + column];
      if (state !== FAILED && state !== LEFT_OUT) continue;
      const [x0, x1] = [Math.round(column * pitch), Math.round((column + 1) * pitch) - gap];
      notch(pixels, width, height, x0, y0, x1, y1, state === FAILED, palette.background);
    }
  }
}

/** A corner taken away: upper right of what failed, lower left of what was left out. */
function notch(
  pixels: Uint32Array,
  width: number,
  height: number,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  upperRight: boolean,
  background: number,
): void {
  const size = Math.max(1, Math.round((x1 - x0) * 0.45));
  for (let line = 0; line < size; line++) {
    const y = upperRight ? y0 + line : y1 - 1 - line;
    if (y < 0 || y >= height) continue;
    const from = upperRight ? x1 - (size - line) : x0;
    const to = Math.min(width, upperRight ? x1 : x0 + (size - line));
    if (to > from) pixels.fill(background, y * width + from, y * width + to);
  }
}
