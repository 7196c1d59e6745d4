//! What a lender allows, as portal, node and server say it to each other, and what each preset stands for.
//!
//! Every field may be missing: it is then as the other source says, and in the end as the preset says. What follows from
//! the preferences is the node's own policy.

use serde::{Deserialize, Serialize};

/// Hours of a week.
pub const HOURS: usize = 168;
/// Programs that may be named.
pub const PROGRAMS_MAX: usize = 64;
/// Letters of a program's name.
pub const PROGRAM_BYTES_MAX: usize = 255;
/// Smallest disk limit that leaves room for a module and its input.
pub const DISK_BYTES_MIN: u64 = 64 << 20;

/// A word for all that is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Preset {
    /// Works only while nobody uses the computer, on mains and cool.
    Quiet,
    /// Works beside its user at the lowest priority, but not on a low battery or a metered network.
    #[default]
    Balanced,
    /// Works whenever the computer runs.
    Always,
}

/// What a lender allows. A missing field means: as the preset says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preferences {
    /// What all missing fields follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// Nobody must have used the computer for so many minutes, 0 to 1,440; 0: work beside its user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_minutes: Option<u32>,
    /// Hours of the week in local time in which it may work: 168, Monday 0:00 first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Vec<bool>>,
    /// Share of all processors, per cent, 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<u32>,
    /// Pause while other programs use more than this of all processors, per cent; 100: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy_cpu_percent: Option<u32>,
    /// Units at once, 1 to 1,024; never more than the share of the processors allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// Share of memory for units while somebody uses the computer, per cent, 1 to 95.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_percent_busy: Option<u32>,
    /// Share of memory for units while nobody does, per cent, 1 to 95.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_percent_idle: Option<u32>,
    /// Disk for modules and inputs, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    /// On battery, pause below this charge, per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_stop_percent: Option<u32>,
    /// Paused by its battery, it works again from this charge on, per cent; not below `battery_stop_percent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_resume_percent: Option<u32>,
    /// Whether it works on battery at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_battery: Option<bool>,
    /// Whether it works on a metered network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metered: Option<bool>,
    /// Pause while one of these programs runs, by the name of its process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_programs: Option<Vec<String>>,
    /// Pause above this temperature, °C, 30 to 150; 150 is never reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_stop_c: Option<u32>,
    /// Paused by heat, it works again below this temperature, °C.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_resume_c: Option<u32>,
    /// Paused for so many minutes, it gives its units and their memory back, 0 to 1,440.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub give_back_minutes: Option<u32>,
}

/// Names of all fields, as they are written.
pub const FIELDS: [&str; 17] = [
    "preset",
    "idle_minutes",
    "hours",
    "cpu_percent",
    "busy_cpu_percent",
    "slots",
    "memory_percent_busy",
    "memory_percent_idle",
    "disk_bytes",
    "battery_stop_percent",
    "battery_resume_percent",
    "on_battery",
    "metered",
    "pause_programs",
    "temperature_stop_c",
    "temperature_resume_c",
    "give_back_minutes",
];

/// A field that cannot be so, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {why}")]
pub struct WrongPreference {
    /// Its name.
    pub field: &'static str,
    /// What would be right.
    pub why: String,
}

impl Preferences {
    /// What a preset stands for. Fields without a limit stay empty.
    pub fn of(preset: Preset) -> Self {
        let balanced = Self {
            preset: Some(preset),
            idle_minutes: Some(0),
            hours: Some(vec![true; HOURS]),
            cpu_percent: Some(100),
            busy_cpu_percent: Some(100),
            slots: None,
            memory_percent_busy: Some(50),
            memory_percent_idle: Some(50),
            disk_bytes: None,
            battery_stop_percent: Some(60),
            battery_resume_percent: Some(75),
            on_battery: Some(true),
            metered: Some(false),
            pause_programs: Some(Vec::new()),
            temperature_stop_c: Some(90),
            temperature_resume_c: Some(80),
            give_back_minutes: Some(5),
        };
        match preset {
            Preset::Balanced => balanced,
            Preset::Quiet => Self {
                idle_minutes: Some(5),
                cpu_percent: Some(70),
                busy_cpu_percent: Some(25),
                memory_percent_busy: Some(20),
                memory_percent_idle: Some(60),
                on_battery: Some(false),
                temperature_stop_c: Some(80),
                temperature_resume_c: Some(70),
                ..balanced
            },
            Preset::Always => Self {
                memory_percent_idle: Some(75),
                battery_stop_percent: Some(0),
                battery_resume_percent: Some(0),
                metered: Some(true),
                temperature_stop_c: Some(150),
                temperature_resume_c: Some(150),
                ..balanced
            },
        }
    }

    /// These, and what they leave open as `below` says.
    pub fn over(&self, below: &Self) -> Self {
        macro_rules! first {
            ($($field:ident),* $(,)?) => {
                Self { $($field: self.$field.clone().or_else(|| below.$field.clone())),* }
            };
        }
        first!(
            preset,
            idle_minutes,
            hours,
            cpu_percent,
            busy_cpu_percent,
            slots,
            memory_percent_busy,
            memory_percent_idle,
            disk_bytes,
            battery_stop_percent,
            battery_resume_percent,
            on_battery,
            metered,
            pause_programs,
            temperature_stop_c,
            temperature_resume_c,
            give_back_minutes,
        )
    }

    /// What holds: the owner's word at the computer, then the portal's, then the preset.
    pub fn effective(local: &Self, remote: &Self) -> Self {
        let said = local.over(remote);
        let mut all = said.over(&Self::of(said.preset.unwrap_or_default()));
        // Two sources may each be right and not fit together: then the level of stopping counts.
        let no_less = |resume: Option<u32>, stop: Option<u32>| Some(resume?.max(stop.unwrap_or(0)));
        let no_more = |resume: Option<u32>, stop: Option<u32>| Some(resume?.min(stop.unwrap_or(u32::MAX)));
        all.battery_resume_percent = no_less(all.battery_resume_percent, all.battery_stop_percent);
        all.temperature_resume_c = no_more(all.temperature_resume_c, all.temperature_stop_c);
        all
    }

    /// Whether every field that is there can be so.
    pub fn check(&self) -> Result<(), WrongPreference> {
        let within = |field, value: Option<u32>, least: u32, most: u32| match value {
            Some(value) if !(least..=most).contains(&value) => {
                Err(WrongPreference { field, why: format!("must be between {least} and {most}, not {value}") })
            }
            _ => Ok(()),
        };
        within("idle_minutes", self.idle_minutes, 0, 1_440)?;
        within("cpu_percent", self.cpu_percent, 1, 100)?;
        within("busy_cpu_percent", self.busy_cpu_percent, 1, 100)?;
        within("slots", self.slots, 1, 1_024)?;
        within("memory_percent_busy", self.memory_percent_busy, 1, 95)?;
        within("memory_percent_idle", self.memory_percent_idle, 1, 95)?;
        within("battery_stop_percent", self.battery_stop_percent, 0, 100)?;
        within("battery_resume_percent", self.battery_resume_percent, 0, 100)?;
        within("temperature_stop_c", self.temperature_stop_c, 30, 150)?;
        within("temperature_resume_c", self.temperature_resume_c, 30, 150)?;
        within("give_back_minutes", self.give_back_minutes, 0, 1_440)?;
        self.check_levels()?;
        self.check_lists()
    }

    fn check_levels(&self) -> Result<(), WrongPreference> {
        let wrong = |field, why: String| Err(WrongPreference { field, why });
        if let (Some(stop), Some(resume)) = (self.battery_stop_percent, self.battery_resume_percent)
            && resume < stop
        {
            return wrong("battery_resume_percent", format!("must not be below battery_stop_percent, which is {stop}"));
        }
        if let (Some(stop), Some(resume)) = (self.temperature_stop_c, self.temperature_resume_c)
            && resume > stop
        {
            return wrong("temperature_resume_c", format!("must not be above temperature_stop_c, which is {stop}"));
        }
        if self.disk_bytes.is_some_and(|bytes| bytes < DISK_BYTES_MIN) {
            return wrong("disk_bytes", format!("must be at least {DISK_BYTES_MIN}"));
        }
        Ok(())
    }

    fn check_lists(&self) -> Result<(), WrongPreference> {
        let wrong = |field, why: String| Err(WrongPreference { field, why });
        if self.hours.as_ref().is_some_and(|hours| hours.len() != HOURS) {
            return wrong("hours", format!("must have {HOURS} values, one an hour of the week, Monday 0:00 first"));
        }
        let programs = self.pause_programs.as_deref().unwrap_or_default();
        if programs.len() > PROGRAMS_MAX {
            return wrong("pause_programs", format!("may name {PROGRAMS_MAX} programs, not {}", programs.len()));
        }
        let right = |name: &String| {
            !name.is_empty() && name.len() <= PROGRAM_BYTES_MAX && !name.contains(|c: char| c.is_control() || c == '/')
        };
        match programs.iter().find(|name| !right(name)) {
            Some(name) => wrong("pause_programs", format!("must be names of processes, not {name:?}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_whole_and_right() {
        for preset in [Preset::Quiet, Preset::Balanced, Preset::Always] {
            let all = Preferences::of(preset);
            assert_eq!(all.check(), Ok(()));
            let open = ["slots", "disk_bytes"];
            let json = serde_json::to_value(&all).unwrap();
            let missing: Vec<_> = FIELDS.iter().filter(|field| json.get(field).is_none()).collect();
            assert_eq!(missing, open.iter().collect::<Vec<_>>(), "{preset:?}");
        }
    }

    #[test]
    fn the_owners_word_wins_field_by_field() {
        let local = Preferences { idle_minutes: Some(9), ..Preferences::default() };
        let remote = Preferences {
            preset: Some(Preset::Quiet),
            idle_minutes: Some(1),
            slots: Some(3),
            ..Preferences::default()
        };
        let all = Preferences::effective(&local, &remote);
        assert_eq!((all.idle_minutes, all.slots, all.cpu_percent), (Some(9), Some(3), Some(70)));
        let local = Preferences { preset: Some(Preset::Always), battery_stop_percent: Some(40), ..local };
        let all = Preferences::effective(&local, &remote);
        assert_eq!((all.cpu_percent, all.battery_resume_percent), (Some(100), Some(40)));
    }

    #[test]
    fn what_cannot_be_is_named() {
        let wrong = [
            (Preferences { hours: Some(vec![true; 167]), ..Preferences::default() }, "hours"),
            (Preferences { cpu_percent: Some(0), ..Preferences::default() }, "cpu_percent"),
            (Preferences { pause_programs: Some(vec!["a/b".into()]), ..Preferences::default() }, "pause_programs"),
            (
                Preferences {
                    battery_stop_percent: Some(60),
                    battery_resume_percent: Some(50),
                    ..Preferences::default()
                },
                "battery_resume_percent",
            ),
            (Preferences { disk_bytes: Some(1), ..Preferences::default() }, "disk_bytes"),
        ];
        for (preferences, field) in wrong {
            assert_eq!(preferences.check().unwrap_err().field, field);
        }
    }
}
