/** A line of values over time: a rate, mostly. The last value is the right end. */
import styles from "./pictures.module.css";

/** Path through `values` in a box of `width` × `height`; the highest touches the top. Pure. */
export function linePath(values: readonly number[], width: number, height: number): string {
  const top = Math.max(...values, 1e-9);
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  const y = (value: number) => (height - (Math.max(0, value) / top) * height).toFixed(1);
  return values.map((value, n) => `${n === 0 ? "M" : "L"}${(n * step).toFixed(1)} ${y(value)}`).join("");
}

export function RateLine(props: {
  values: readonly number[];
  label: string;
  height?: number;
  tone?: string;
}) {
  const height = props.height ?? 26;
  const tone = `var(--s-${props.tone ?? "run"})`;
  const path = props.values.length > 1 ? linePath(props.values, 300, height - 2) : "";
  return (
    <div className={styles.picture} role="img" aria-label={props.label} style={{ height }}>
      {path && (
        <svg viewBox={`0 -1 300 ${height}`} preserveAspectRatio="none" height={height} aria-hidden="true">
          <path d={`${path}V${height - 2}H0Z`} fill={tone} opacity="0.1" />
          <path d={path} fill="none" stroke={tone} strokeWidth="1.5" vectorEffect="non-scaling-stroke" />
        </svg>
      )}
    </div>
  );
}
