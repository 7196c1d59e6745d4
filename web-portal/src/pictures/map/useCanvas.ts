/** The canvas of the map: kept sharp, and drawn at most once a frame, only when something changed. */
import { type RefObject, useCallback, useEffect, useRef } from "react";
import { UNIT_COLOURS } from "@/words/states";
import { downsample, type Level } from "./layout";
import type { UnitMap } from "./model";
import { type Palette, paint, pixel } from "./paint";

export type View = {
  map: UnitMap;
  level: Level;
  width: number;
  height: number;
  /** A cell with a frame around it. */
  marked: number | undefined;
};

/** Gives a function that asks for a new picture. */
export function useCanvas(
  canvas: RefObject<HTMLCanvasElement | null>,
  scroller: RefObject<HTMLElement | null>,
  view: View,
): () => void {
  const state = useRef<Drawer>(null);
  if (!state.current) state.current = new Drawer();
  const drawer = state.current;
  const draw = useCallback(() => drawer.ask(canvas.current, scroller.current), [drawer, canvas, scroller]);
  useEffect(() => {
    drawer.show(view);
    draw();
  });
  useEffect(
    () =>
      view.map.subscribe((from, to) => {
        drawer.changed(from, to);
        draw();
      }),
    [view.map, drawer, draw],
  );
  useEffect(() => {
    const again = () => {
      drawer.palette = undefined;
      draw();
    };
    const theme = new MutationObserver(again);
    theme.observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });
    return () => theme.disconnect();
  }, [drawer, draw]);
  useEffect(() => () => drawer.end(), [drawer]);
  return draw;
}

class Drawer {
  palette: (Palette & { text: string }) | undefined;
  private view: View | undefined;
  private cells = new Uint8Array(0);
  private count = 0;
  private dirty: [number, number] | undefined;
  private frame = 0;
  private image: ImageData | undefined;
  private key = "";

  show(view: View): void {
    const key = `${view.level.perCell}`;
    if (view.map !== this.view?.map || key !== this.key) this.changed(0, view.map.total);
    this.key = key;
    this.view = view;
  }

  changed(from: number, to: number): void {
    this.dirty = this.dirty ? [Math.min(this.dirty[0], from), Math.max(this.dirty[1], to)] : [from, to];
  }

  ask(canvas: HTMLCanvasElement | null, scroller: HTMLElement | null): void {
    if (this.frame || !canvas || !scroller) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw(canvas, scroller.scrollTop);
    });
  }

  end(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }

  private refresh(view: View): void {
    const { map, level } = view;
    this.count = Math.ceil(map.total / level.perCell);
    if (this.cells.length < this.count) {
      this.cells = new Uint8Array(Math.ceil(this.count * 1.25));
      this.dirty = [0, map.total];
    }
    if (this.dirty) downsample(map.states, map.total, level.perCell, this.cells, ...this.dirty);
    this.dirty = undefined;
  }

  private draw(canvas: HTMLCanvasElement, scroll: number): void {
    const view = this.view;
    if (!view || view.width === 0) return;
    this.refresh(view);
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(view.width * scale), Math.round(view.height * scale)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) return;
    this.palette ??= palette(canvas);
    if (this.image?.width !== width || this.image.height !== height)
      this.image = new ImageData(width, height);
    const pixels = new Uint32Array(this.image.data.buffer);
    paint(pixels, width, height, view.level, this.cells, this.count, scroll, scale, this.palette);
    context.putImageData(this.image, 0, 0);
    if (view.marked !== undefined) mark(context, view.level, view.marked, scroll, scale, this.palette.text);
  }
}

function mark(
  g: CanvasRenderingContext2D,
  level: Level,
  unit: number,
  scroll: number,
  scale: number,
  colour: string,
) {
  const cell = Math.floor(unit / level.perCell);
  const x = (cell % level.columns) * level.pitch;
  const y = Math.floor(cell / level.columns) * level.pitch - scroll;
  g.strokeStyle = colour;
  g.lineWidth = 1.5 * scale;
  const size = (level.pitch + 0.5) * scale;
  g.strokeRect((x - 0.75) * scale, (y - 0.75) * scale, size, size);
}

/** The theme's colours as they are now. */
function palette(element: HTMLElement): Palette & { text: string } {
  const style = getComputedStyle(element);
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const colour = (name: string): number => {
    if (!probe) return 0;
    probe.fillStyle = style.getPropertyValue(name).trim();
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    return pixel(`rgb(${r}, ${g}, ${b})`);
  };
  return {
    states: Uint32Array.from(UNIT_COLOURS, (name) => colour(`--s-${name}`)),
    background: colour("--panel"),
    text: style.getPropertyValue("--text").trim(),
  };
}
