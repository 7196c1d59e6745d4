/**
 * The map of a job's units: one cell a unit, or a block of them that shows its worst. Wheel with ctrl, buttons and
 * `+` `-` zoom; arrows walk from cell to cell, Enter opens; pointing says in words what is there.
 */
import { ActionIcon, Tooltip } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { counted } from "@/words/format";
import { StateLegend } from "../StateBar";
import { cornerOf, type Level, levels, scrollFor, unitAt, walk } from "./layout";
import styles from "./map.module.css";
import type { UnitMap } from "./model";
import { useCanvas } from "./useCanvas";
import { cellWords, countWords } from "./words";

/** Height that the map takes at most, and on a phone, pixels. */
const HEIGHT = 560;
const HEIGHT_PHONE = 380;

export type MapProps = {
  map: UnitMap;
  /** Somebody chose a unit. */
  onOpen?: (unit: number) => void;
  /** More about a single unit, below what the map itself knows. */
  more?: (unit: number) => ReactNode;
};

export function MapView({ map, onOpen, more }: MapProps) {
  const { ref: sizer, width } = useElementSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const total = useTotal(map);
  const [zoom, setZoom] = useState(0);
  const [marked, setMarked] = useState<number>();
  const [pointed, setPointed] = useState<{ x: number; y: number }>();

  const most = width < 560 ? HEIGHT_PHONE : HEIGHT;
  const list = useMemo(() => levels(Math.max(1, total), Math.max(40, width), most), [total, width, most]);
  const at = Math.min(zoom, list.length - 1);
  const level = list[at] as Level;
  const height = Math.min(most, level.rows * level.pitch);
  const draw = useCanvas(canvas, scroller, { map, level, width, height, marked });
  useTick(map, marked !== undefined);

  /** To another level, with `unit` staying where it is on the screen. */
  const zoomTo = (next: number, unit = marked ?? firstVisible(), y?: number) => {
    const target = list[Math.max(0, Math.min(list.length - 1, next))];
    if (!target || target === level || !scroller.current) return;
    const offset = y ?? cornerOf(level, unit)[1] - scroller.current.scrollTop;
    pendingScroll.current = scrollFor(target, unit, Math.max(0, Math.min(height, offset)));
    setZoom(list.indexOf(target));
  };
  const pendingScroll = useRef<number>(undefined);
  useEffect(() => {
    if (pendingScroll.current !== undefined && scroller.current)
      scroller.current.scrollTop = pendingScroll.current;
    pendingScroll.current = undefined;
  });
  const firstVisible = () =>
    Math.min(
      total - 1,
      Math.floor((scroller.current?.scrollTop ?? 0) / level.pitch) * level.columns * level.perCell,
    );

  const locate = (event: { clientX: number; clientY: number }) => {
    const box = scroller.current?.getBoundingClientRect();
    if (!box || !scroller.current) return undefined;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return { x, y, unit: unitAt(level, total, x, y + scroller.current.scrollTop) };
  };
  const point = (event: { clientX: number; clientY: number }) => {
    const found = locate(event);
    setMarked(found?.unit);
    setPointed(found?.unit === undefined ? undefined : { x: found.x, y: found.y });
  };
  const choose = (unit: number, y?: number) => {
    if (level.perCell === 1) onOpen?.(unit);
    else zoomTo(at + 1, unit, y);
  };
  useWheelZoom(scroller, (event) => {
    const found = locate(event);
    if (found?.unit !== undefined) zoomTo(at + (event.deltaY < 0 ? 1 : -1), found.unit, found.y);
  });

  const goTo = (unit: number) => {
    const [x, y] = cornerOf(level, unit);
    const view = scroller.current;
    if (view && y < view.scrollTop) view.scrollTop = y;
    if (view && y + level.pitch > view.scrollTop + height) view.scrollTop = y + level.pitch - height;
    setMarked(unit);
    setPointed({ x: x + level.pitch / 2, y: y + level.pitch / 2 - (view?.scrollTop ?? 0) });
  };
  const onKey = (event: React.KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const unit = walk(event.key, marked, level, total, Math.max(1, Math.floor(height / level.pitch) - 1));
    if (unit !== undefined) goTo(unit);
    else if (event.key === "+" || event.key === "=") zoomTo(at + 1);
    else if (event.key === "-") zoomTo(at - 1);
    else if (event.key === "Enter" && marked !== undefined) choose(marked);
    else return;
    event.preventDefault();
  };

  const words = marked === undefined ? "" : cellWords(map, marked, level.perCell);
  const single = marked !== undefined && level.perCell === 1;
  return (
    <div>
      <div className={styles.area} ref={sizer}>
        <div
          ref={scroller}
          className={styles.scroller}
          style={{ height }}
          role="application"
          aria-roledescription="map of units"
          aria-label={`Units: ${countWords(map.all)}. Arrows walk, plus and minus zoom, Enter opens.`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the map is walked with the keyboard
          tabIndex={0}
          onScroll={draw}
          onPointerMove={point}
          onPointerLeave={() => {
            setPointed(undefined);
            setMarked(undefined);
          }}
          onBlur={() => setPointed(undefined)}
          onClick={(event) => {
            const found = locate(event);
            if (found?.unit !== undefined) choose(found.unit, found.y);
          }}
          onKeyDown={onKey}
        >
          <div style={{ height: level.rows * level.pitch }}>
            <canvas ref={canvas} style={{ width, height }} />
          </div>
        </div>
        {pointed && words && (
          <div className={styles.tip} style={tipPlace(pointed, width, height)}>
            {words}
            {single && more && <div>{more(marked)}</div>}
          </div>
        )}
        <span className="hidden" aria-live="polite">
          {words}
        </span>
      </div>
      <div className={styles.foot}>
        <StateLegend />
        <span className={styles.tools}>
          {level.perCell === 1
            ? "one cell a unit, in order"
            : `${counted(level.perCell, "unit")} a cell: its worst`}
          <ZoomButton label="Show more at once" sign="−" onClick={() => zoomTo(at - 1)} disabled={at === 0} />
          <ZoomButton
            label="Look closer"
            sign="+"
            onClick={() => zoomTo(at + 1)}
            disabled={at === list.length - 1}
          />
        </span>
      </div>
    </div>
  );
}

function ZoomButton(props: { label: string; sign: string; onClick: () => void; disabled: boolean }) {
  return (
    <Tooltip label={props.label}>
      <ActionIcon
        variant="default"
        size="sm"
        aria-label={props.label}
        onClick={props.onClick}
        disabled={props.disabled}
      >
        {props.sign}
      </ActionIcon>
    </Tooltip>
  );
}

/** Beside what is pointed at, inside of the picture. */
function tipPlace(at: { x: number; y: number }, width: number, height: number): React.CSSProperties {
  const right = at.x > width / 2 ? { right: width - at.x + 10 } : { left: at.x + 14 };
  const below = at.y > height - 90 && height > 140 ? { bottom: height - at.y + 10 } : { top: at.y + 16 };
  return { ...right, ...below };
}

/** How many units there are; changes seldom, so a render a change is fine. */
function useTotal(map: UnitMap): number {
  const [total, setTotal] = useState(map.total);
  useEffect(() => {
    const look = () => setTotal(map.total);
    look();
    return map.subscribe(look);
  }, [map]);
  return total;
}

/** Renders again about four times a second while somebody reads what changes. */
function useTick(map: UnitMap, reading: boolean): void {
  const [, setTick] = useState(0);
  useEffect(() => {
    if (!reading) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = map.subscribe(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        setTick((tick) => tick + 1);
      }, 250);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [map, reading]);
}

/** The wheel zooms with ctrl (and so does a pinch), and must not zoom the page with it. */
function useWheelZoom(
  element: React.RefObject<HTMLElement | null>,
  onZoom: (event: WheelEvent) => void,
): void {
  const handler = useRef(onZoom);
  useEffect(() => {
    handler.current = onZoom;
  });
  useEffect(() => {
    const target = element.current;
    if (!target) return;
    let last = 0;
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      if (event.timeStamp - last < 120) return;
      last = event.timeStamp;
      handler.current(event);
    };
    target.addEventListener("wheel", onWheel, { passive: false });
    return () => target.removeEventListener("wheel", onWheel);
  }, [element]);
}
