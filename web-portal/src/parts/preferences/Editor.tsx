/**
 * What a lender allows, to be changed: presets first, details below. What was chosen at the computer wins; on the
 * portal such fields say so and cannot be changed.
 */
import { Button, Checkbox, NumberInput, Textarea } from "@mantine/core";
import { type ReactNode, useState } from "react";
import type { NodePreferences, Preferences } from "@/api/lending";
import { Failure } from "../States";
import {
  type Around,
  choose,
  type Field,
  HOURS,
  isLocal,
  NEVER_C,
  PRESETS,
  presetOf,
  programs,
  said,
  shown,
} from "./model";
import styles from "./preferences.module.css";
import { Week } from "./Week";

export function Editor(props: {
  preferences: NodePreferences;
  /** Whose word is changed here. */
  at: "portal" | "computer";
  save: (preferences: Preferences) => Promise<unknown>;
  onDone?: () => void;
}) {
  const { local, remote } = props.preferences;
  const before = said(props.at === "portal" ? remote : local);
  // At the computer the portal's word shows through where nothing was chosen; on the portal the computer's stands above.
  const around: Around =
    props.at === "portal" ? { over: said(local), under: {} } : { over: {}, under: said(remote) };
  const [chosen, setChosen] = useState<Preferences>(before);
  const [busy, setBusy] = useState(false);
  const [saved, setSaved] = useState(false);
  const [error, setError] = useState<unknown>();
  const change = (part: Preferences) => {
    setChosen((was) => choose(was, part, around));
    setSaved(false);
  };
  const save = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await props.save(chosen);
      setSaved(true);
      props.onDone?.();
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  const fixed = (field: keyof Preferences) => props.at === "portal" && isLocal(props.preferences, field);
  const dirty = JSON.stringify(before) !== JSON.stringify(chosen);
  return (
    <div>
      <Presets chosen={chosen} around={around} fixed={fixed("preset")} change={change} />
      <Details chosen={chosen} around={around} fixed={fixed} change={change} />
      {error ? <Failure error={error} /> : null}
      <div className={styles.save} data-dirty={dirty}>
        <Button variant="filled" size="sm" onClick={save} loading={busy} disabled={!dirty}>
          Save the rules
        </Button>
        {dirty && (
          <Button size="sm" onClick={() => setChosen(before)}>
            As they were
          </Button>
        )}
        <span className="dim" role="status">
          {saved && !dirty ? "Saved. They hold from now on." : ""}
        </span>
      </div>
    </div>
  );
}

type Part = {
  chosen: Preferences;
  around: Around;
  change: (part: Preferences) => void;
};

function Presets({ chosen, around, fixed, change }: Part & { fixed: boolean }) {
  const preset = presetOf(chosen, around);
  return (
    <fieldset className={styles.presets}>
      <legend className="hidden">How much of the computer it may have</legend>
      {PRESETS.map(({ value, title, says }) => (
        <label key={value} className={styles.preset}>
          <b>
            <input
              type="radio"
              name="preset"
              value={value}
              checked={preset === value}
              disabled={fixed}
              onChange={() => change({ preset: value })}
            />
            {title}
          </b>
          {says}
        </label>
      ))}
      {fixed && <p className={styles.local}>The preset was chosen at the computer, and that wins.</p>}
    </fieldset>
  );
}

type DetailsProps = Part & { fixed: (field: Field) => boolean };

function Details(props: DetailsProps) {
  const { chosen, around, change, fixed } = props;
  const number = (
    field: NumberField,
    label: string,
    min: number,
    max: number,
    suffix: string,
    hint?: string,
  ) => (
    <NumberInput
      key={field}
      size="xs"
      label={label}
      description={fixed(field) ? <Fixed /> : hint}
      suffix={suffix}
      min={min}
      max={max}
      clampBehavior="blur"
      allowDecimal={false}
      allowNegative={false}
      disabled={fixed(field)}
      value={shown(chosen, field, around) ?? ""}
      placeholder="no limit of its own"
      onChange={(value) => change({ [field]: typeof value === "number" ? value : null })}
    />
  );
  const check = (field: "on_battery" | "metered", label: string) => (
    <Checkbox
      key={field}
      size="xs"
      label={label}
      description={fixed(field) ? <Fixed /> : undefined}
      disabled={fixed(field)}
      checked={shown(chosen, field, around) ?? false}
      onChange={(event) => change({ [field]: event.currentTarget.checked })}
    />
  );
  return (
    <div className={styles.details}>
      <Section title="When">
        <div className={styles.grid}>
          {number("idle_minutes", "When nobody has used it for", 0, 1440, " min", "0: also beside its user")}
          {number("busy_cpu_percent", "Pause when others use more than", 1, 100, " %", "100: never")}
        </div>
        <Week
          hours={shown(chosen, "hours", around) ?? Array<boolean>(HOURS).fill(true)}
          disabled={fixed("hours")}
          onChange={(hours) => change({ hours: hours.every(Boolean) ? null : hours })}
        />
        <Programs chosen={chosen} around={around} change={change} fixed={fixed("pause_programs")} />
      </Section>
      <Section title="How much">
        <div className={styles.grid}>
          {number("cpu_percent", "Processor", 1, 100, " %", "of all of it")}
          {number("slots", "Units at once", 1, 1024, "", "empty: as many as fit")}
          {number("memory_percent_busy", "Memory while in use", 1, 95, " %")}
          {number("memory_percent_idle", "Memory while idle", 1, 95, " %")}
          {number("give_back_minutes", "Give memory back when paused for", 0, 1440, " min")}
          <Disk chosen={chosen} around={around} change={change} fixed={fixed("disk_bytes")} />
        </div>
      </Section>
      <Section title="Battery, network, heat">
        <div className={styles.grid}>
          {check("on_battery", "Works on battery")}
          {check("metered", "Works on a metered network")}
        </div>
        <div className={styles.grid}>
          {number("battery_stop_percent", "On battery, pause below", 0, 100, " %")}
          {number("battery_resume_percent", "and work again from", 0, 100, " %")}
          {number("temperature_stop_c", "Pause above", 30, NEVER_C, " °C", `${NEVER_C}: never`)}
          {number("temperature_resume_c", "and work again below", 30, NEVER_C, " °C")}
        </div>
      </Section>
    </div>
  );
}

type NumberField = {
  [F in Field]: NonNullable<Preferences[F]> extends number ? F : never;
}[Field];

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className={styles.part}>
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}

const Fixed = () => <span className={styles.local}>chosen at the computer</span>;

const MB = 1_000_000;

function Disk({ chosen, around, change, fixed }: Part & { fixed: boolean }) {
  return (
    <NumberInput
      size="xs"
      label="Disk"
      description={fixed ? <Fixed /> : "empty: as configured"}
      suffix=" GB"
      min={0.1}
      max={1_000_000}
      decimalScale={1}
      allowNegative={false}
      disabled={fixed}
      value={(shown(chosen, "disk_bytes", around) ?? 0) / (1000 * MB) || ""}
      placeholder="as configured"
      onChange={(value) =>
        change({ disk_bytes: typeof value === "number" && value > 0 ? Math.round(value * 1000) * MB : null })
      }
    />
  );
}

function Programs({ chosen, around, change, fixed }: Part & { fixed: boolean }) {
  const [text, setText] = useState((shown(chosen, "pause_programs", around) ?? []).join("\n"));
  return (
    <Textarea
      size="xs"
      label="Pause while one of these programs runs"
      description={fixed ? <Fixed /> : "names of processes, one a line"}
      placeholder="obs"
      autosize
      minRows={1}
      maxRows={6}
      maxLength={20_000}
      disabled={fixed}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        change({ pause_programs: programs(event.currentTarget.value) });
      }}
    />
  );
}
