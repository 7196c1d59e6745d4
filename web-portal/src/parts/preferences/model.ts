/**
 * What a lender allows, as forms and lists show it. The rules are the node's; here are the same words, so that a choice
 * can be shown before it is sent. Pure.
 */
import type { NodePreferences, Preferences, Preset } from "@/api/lending";
import { bytes } from "@/words/format";

export const HOURS = 168;
/** From here on a temperature is never reached. */
export const NEVER_C = 150;

export const PRESETS: { value: Preset; title: string; says: string }[] = [
  { value: "quiet", title: "Quiet", says: "Only while nobody uses the computer, on mains, and cool." },
  {
    value: "balanced",
    title: "Balanced",
    says: "Beside its user at the lowest priority; not on a low battery or a metered network.",
  },
  { value: "always", title: "Always", says: "Whenever the computer runs." },
];

const BALANCED: Preferences = {
  idle_minutes: 0,
  cpu_percent: 100,
  busy_cpu_percent: 100,
  memory_percent_busy: 50,
  memory_percent_idle: 50,
  battery_stop_percent: 60,
  battery_resume_percent: 75,
  on_battery: true,
  metered: false,
  pause_programs: [],
  temperature_stop_c: 90,
  temperature_resume_c: 80,
  give_back_minutes: 5,
};

const PRESET: Record<Preset, Preferences> = {
  balanced: BALANCED,
  quiet: {
    ...BALANCED,
    idle_minutes: 5,
    cpu_percent: 70,
    busy_cpu_percent: 25,
    memory_percent_busy: 20,
    memory_percent_idle: 60,
    on_battery: false,
    temperature_stop_c: 80,
    temperature_resume_c: 70,
  },
  always: {
    ...BALANCED,
    memory_percent_idle: 75,
    battery_stop_percent: 0,
    battery_resume_percent: 0,
    metered: true,
    temperature_stop_c: NEVER_C,
    temperature_resume_c: NEVER_C,
  },
};

export type Field = Exclude<keyof Preferences, "preset">;

/** What a preset says of a field; none where it sets no limit. */
export const presetSays = <F extends Field>(preset: Preset, field: F): Preferences[F] | undefined =>
  PRESET[preset][field] ?? undefined;

/** Only the fields that say something. */
export function said(preferences: Preferences | null | undefined): Preferences {
  return Object.fromEntries(
    Object.entries(preferences ?? {}).filter(([, value]) => value !== null && value !== undefined),
  );
}

/** Words of the same owner in another place: `over` wins, `under` holds where nothing was chosen. */
export type Around = { over: Preferences; under: Preferences };
const ALONE: Around = { over: {}, under: {} };

/** The preset that missing fields follow. */
export const presetOf = (chosen: Preferences, { over, under }: Around = ALONE): Preset =>
  over.preset ?? chosen.preset ?? under.preset ?? "balanced";

/** `change` over `chosen`; a field that says what holds without it is left out. */
export function choose(chosen: Preferences, change: Preferences, around: Around = ALONE): Preferences {
  const all = said({ ...chosen, ...change });
  const preset = presetOf(all, around);
  const without = (field: Field) => around.under[field] ?? PRESET[preset][field];
  return Object.fromEntries(
    Object.entries(all).filter(
      ([field, value]) =>
        field === "preset" || JSON.stringify(value) !== JSON.stringify(without(field as Field)),
    ),
  );
}

/** What stands in a field: what wins, what was chosen, what shows through, else what the preset says. */
export function shown<F extends Field>(
  chosen: Preferences,
  field: F,
  around: Around = ALONE,
): Preferences[F] | undefined {
  return (
    around.over[field] ?? chosen[field] ?? around.under[field] ?? presetSays(presetOf(chosen, around), field)
  );
}

/** Whether the owner's word at the computer decides a field, whatever the portal says. */
export const isLocal = (all: NodePreferences, field: keyof Preferences): boolean =>
  said(all.local)[field] !== undefined;

/** The rules as a list of words: what, and how much. `local` says that it was chosen at the computer. */
export function inWords(
  all: NodePreferences,
): { field: Field; label: string; value: string; local: boolean }[] {
  const own = all.effective;
  const rows: [Field, string, string][] = [
    [
      "idle_minutes",
      "when nobody has used it for",
      own.idle_minutes ? `${own.idle_minutes} min` : "any time",
    ],
    ["hours", "hours of the week", hoursWords(own.hours)],
    ["cpu_percent", "processor", `${own.cpu_percent ?? 100} %`],
    ["busy_cpu_percent", "pauses when others use", over(own.busy_cpu_percent, 100, "%")],
    ["slots", "units at once", own.slots ? `${own.slots}` : "as many as fit"],
    [
      "memory_percent_busy",
      "memory, in use / idle",
      `${own.memory_percent_busy ?? "–"} % / ${own.memory_percent_idle ?? "–"} %`,
    ],
    ["disk_bytes", "disk", own.disk_bytes ? bytes(own.disk_bytes) : "as configured"],
    ["on_battery", "on battery", batteryWords(own)],
    ["metered", "metered network", own.metered ? "yes" : "never"],
    ["temperature_stop_c", "pauses above", over(own.temperature_stop_c, NEVER_C, "°C")],
    [
      "pause_programs",
      "pauses for",
      own.pause_programs?.length ? own.pause_programs.join(", ") : "no program",
    ],
  ];
  return rows.map(([field, label, value]) => ({ field, label, value, local: isLocal(all, field) }));
}

const over = (value: number | null | undefined, never: number, unit: string) =>
  value === null || value === undefined || value >= never ? "never" : `${value} ${unit}`;

function batteryWords(own: Preferences): string {
  if (own.on_battery === false) return "never";
  return own.battery_stop_percent
    ? `${own.battery_stop_percent} % or more, again from ${own.battery_resume_percent ?? own.battery_stop_percent} %`
    : "always";
}

/** `all`, `88 of 168`. */
export function hoursWords(hours: boolean[] | null | undefined): string {
  const on = hours?.filter(Boolean).length ?? HOURS;
  return on === HOURS ? "all" : on === 0 ? "none" : `${on} of ${HOURS}`;
}

/** Names of programs from a text with one a line or commas between. */
export const programs = (text: string): string[] => [
  ...new Set(
    text
      .split(/[\n,]/)
      .map((name) => name.trim())
      .filter((name) => name !== ""),
  ),
];
