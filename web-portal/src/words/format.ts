/**
 * Numbers as people read them. Pure: the time of now is an argument. A value and its unit come apart where a page
 * sets the unit smaller (`split`), else as one text. Thin spaces and true minus signs are the browser's business.
 */

/** One credit in micro-credits. */
export const CREDIT = 1_000_000;

const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const two = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const six = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 6 });

/** `12,345`. */
export const count = (n: number): string => whole.format(n);

/** `1 unit`, `2,000 units`; irregular plurals are given. */
export const counted = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`;

/** Micro-credits as credits: `1,284.20`; small amounts keep the digits that they need. */
export function credits(micro: number): string {
  const value = micro / CREDIT;
  return micro !== 0 && Math.abs(value) < 0.1 ? six.format(value) : two.format(value);
}

/** `+6.42`, `−0.50`. */
export const signedCredits = (micro: number): string => `${micro < 0 ? "−" : "+"}${credits(Math.abs(micro))}`;

/** Credits that somebody typed, as micro-credits; none where it is no amount above zero. */
export function parseCredits(text: string): number | undefined {
  const match = /^(\d{1,9})(?:[.,](\d{1,6}))?$/.exec(text.trim());
  if (!match) return undefined;
  const micro = Number(match[1]) * CREDIT + Number((match[2] ?? "").padEnd(6, "0"));
  return micro > 0 ? micro : undefined;
}

const BYTES = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Bytes in powers of ten as value and unit: `["69", "kB"]`. */
export function bytesSplit(n: number): [string, string] {
  let step = 0;
  let value = n;
  while (value >= 999.5 && step < BYTES.length - 1) {
    value /= 1000;
    step += 1;
  }
  return [step > 0 && value < 9.95 ? value.toFixed(1) : value.toFixed(0), BYTES[step] ?? "B"];
}

/** `69 kB`. */
export const bytes = (n: number): string => bytesSplit(n).join(" ");

const FUEL = ["", " k", " M", " G", " T", " P"];

/** Fuel with a short power: `1.9 G`. */
export function fuel(n: number): string {
  let step = 0;
  let value = n;
  while (value >= 999.5 && step < FUEL.length - 1) {
    value /= 1000;
    step += 1;
  }
  return `${step > 0 && value < 99.5 ? value.toFixed(1) : value.toFixed(0)}${FUEL[step]}`;
}

/** A length of time, two parts at most: `41 s`, `9 min`, `6 h 20`, `3 days`. */
export function duration(ms: number): string {
  const secs = Math.max(0, ms) / 1000;
  if (secs < 1) return `${Math.round(Math.max(0, ms))} ms`;
  if (secs < 9.95) return `${secs.toFixed(1)} s`;
  if (secs < 99.5) return `${Math.round(secs)} s`;
  const mins = Math.round(secs / 60);
  if (mins < 60) return `${mins} min`;
  const hours = Math.floor(mins / 60);
  if (hours < 48) return mins % 60 === 0 ? `${hours} h` : `${hours} h ${String(mins % 60).padStart(2, "0")}`;
  return `${Math.round(mins / 1440)} days`;
}

/** How long ago: `now`, `41 s ago`, `3 days ago`. */
export function age(atMs: number, nowMs: number): string {
  const ms = nowMs - atMs;
  return ms < 5000 ? "now" : `${duration(Math.floor(ms / 1000) * 1000)} ago`;
}

/** Clock time of this place: `14:10`. */
export const clock = (atMs: number): string =>
  new Date(atMs).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

/** Day of this place: `Sat 21 Nov`. */
export const day = (atMs: number): string =>
  new Date(atMs).toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short" });

/** Day and time, exactly: for tooltips. */
export const moment = (atMs: number): string =>
  new Date(atMs).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** When something ends that takes `from` to `to` seconds more: `14:10–14:40`, with the day where it is not today. */
export function finishes(fromSecs: number, toSecs: number, nowMs: number): string {
  const [from, to] = [nowMs + fromSecs * 1000, nowMs + toSecs * 1000];
  const today = new Date(nowMs).toDateString() === new Date(to).toDateString();
  if (!today) return day(from) === day(to) ? day(to) : `${day(from)} – ${day(to)}`;
  const [a, b] = [clock(from), clock(to)];
  return a === b ? b : `${a}–${b}`;
}

/** Units a second from thousandths; slow ones are told by the minute or hour: `["4.8", "units/s"]`. */
export function rate(milli: number): [string, string] {
  const a = milli / 1000;
  if (a >= 99.5) return [count(Math.round(a)), "units/s"];
  if (a >= 0.95 || a === 0) return [a === 0 ? "0" : a.toFixed(1), "units/s"];
  if (a * 60 >= 0.95) return [(a * 60).toFixed(1), "units/min"];
  return [(a * 3600).toFixed(1), "units/h"];
}

/** Share of a whole in percent, never 100 before all of it is there nor 0 after the first. */
export function percent(part: number, all: number): string {
  if (all <= 0) return "0 %";
  const exact = (part / all) * 100;
  const shown = part > 0 && part < all ? Math.min(99, Math.max(1, Math.round(exact))) : Math.round(exact);
  return `${shown} %`;
}

/** Beginning and end of a long word: `4f1c…a9`. */
export const short = (word: string, head = 6, tail = 2): string =>
  word.length <= head + tail + 1 ? word : `${word.slice(0, head)}…${word.slice(-tail)}`;
