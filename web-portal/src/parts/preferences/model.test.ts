import { expect, test } from "vitest";
import { choose, hoursWords, inWords, isLocal, presetOf, programs, said, shown } from "./model";

test("a choice that says what the preset says is no choice", () => {
  expect(choose({ preset: "quiet" }, { idle_minutes: 9 })).toEqual({ preset: "quiet", idle_minutes: 9 });
  expect(choose({ preset: "quiet", idle_minutes: 9 }, { idle_minutes: 5 })).toEqual({ preset: "quiet" });
  expect(choose({ preset: "quiet", slots: 3 }, { slots: null })).toEqual({ preset: "quiet" });
});

test("another preset keeps what was chosen by hand, as far as it differs", () => {
  const chosen = choose({ preset: "quiet", idle_minutes: 0, cpu_percent: 30 }, { preset: "balanced" });
  expect(chosen).toEqual({ preset: "balanced", cpu_percent: 30 });
});

test("what is not chosen shows what the preset says", () => {
  expect(shown({}, "battery_stop_percent")).toBe(60);
  expect(shown({ preset: "quiet" }, "on_battery")).toBe(false);
  expect(shown({ preset: "quiet", on_battery: true }, "on_battery")).toBe(true);
  expect(shown({ preset: "always" }, "slots")).toBeUndefined();
});

test("the portal's word shows through at the computer, and can be overruled there", () => {
  const around = { over: {}, under: { preset: "quiet" as const, idle_minutes: 9 } };
  expect(presetOf({}, around)).toBe("quiet");
  expect(shown({}, "idle_minutes", around)).toBe(9);
  expect(shown({}, "cpu_percent", around)).toBe(70);
  expect(choose({}, { idle_minutes: 5 }, around)).toEqual({ idle_minutes: 5 });
  expect(choose({ idle_minutes: 5 }, { idle_minutes: 9 }, around)).toEqual({});
});

test("on the portal the computer's word stands above", () => {
  const around = { over: { preset: "always" as const, slots: 2 }, under: {} };
  expect(presetOf({ preset: "quiet" }, around)).toBe("always");
  expect(shown({ slots: 5 }, "slots", around)).toBe(2);
});

test("the word at the computer is told, also where it is false or zero", () => {
  const all = { local: { metered: false, idle_minutes: 0, slots: null }, effective: { metered: false } };
  expect(isLocal(all, "metered")).toBe(true);
  expect(isLocal(all, "idle_minutes")).toBe(true);
  expect(isLocal(all, "slots")).toBe(false);
  expect(said(all.local)).toEqual({ metered: false, idle_minutes: 0 });
});

test("rules are told in words with their numbers", () => {
  const effective = {
    idle_minutes: 5,
    cpu_percent: 70,
    busy_cpu_percent: 100,
    battery_stop_percent: 60,
    battery_resume_percent: 75,
    on_battery: true,
    temperature_stop_c: 150,
    metered: false,
  };
  const words = Object.fromEntries(
    inWords({ local: {}, effective }).map(({ field, value }) => [field, value]),
  );
  expect(words).toMatchObject({
    idle_minutes: "5 min",
    cpu_percent: "70 %",
    busy_cpu_percent: "never",
    on_battery: "60 % or more, again from 75 %",
    temperature_stop_c: "never",
    metered: "never",
  });
});

test("hours and programs", () => {
  expect(hoursWords(undefined)).toBe("all");
  expect(hoursWords(Array(168).fill(false))).toBe("none");
  expect(hoursWords(Array.from({ length: 168 }, (_, at) => at < 40))).toBe("40 of 168");
  expect(programs(" steam, obs\n\nobs\n zoom ")).toEqual(["steam", "obs", "zoom"]);
});
