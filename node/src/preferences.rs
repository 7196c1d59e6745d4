//! What the owner chose, in files of the data folder, and as it is written on the command line.
//!
//! `preferences.json` is chosen here, `portal.json` is what the portal said last, `pause.json` is the pause in force.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use fallow_protocol::link::OwnerWish;
use fallow_protocol::preferences::{FIELDS, HOURS, Preferences};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::config::ByteSize;
use crate::files;
use crate::policy::OwnPause;

/// The files.
#[derive(Clone, Debug)]
pub struct Keeper {
    folder: PathBuf,
}

impl Keeper {
    /// In a data folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// What was chosen here.
    pub fn local(&self) -> anyhow::Result<Preferences> {
        let preferences: Preferences = self.read("preferences.json")?.unwrap_or_default();
        let path = self.folder.join("preferences.json");
        preferences.check().with_context(|| format!("{} is wrong", path.display()))?;
        Ok(preferences)
    }

    /// Keep what was chosen here.
    pub fn keep_local(&self, preferences: &Preferences) -> anyhow::Result<()> {
        self.write("preferences.json", preferences)
    }

    /// What the portal said last. It says so again, so that a damaged file is no loss.
    pub fn portal(&self) -> OwnerWish {
        self.read("portal.json").ok().flatten().unwrap_or_default()
    }

    /// Keep what the portal said.
    pub fn keep_portal(&self, wish: &OwnerWish) -> anyhow::Result<()> {
        self.write("portal.json", wish)
    }

    /// The pause that was asked for here.
    pub fn pause(&self) -> anyhow::Result<Option<OwnPause>> {
        self.read("pause.json")
    }

    /// Keep a pause, or forget it.
    pub fn keep_pause(&self, pause: Option<&OwnPause>) -> anyhow::Result<()> {
        let path = self.folder.join("pause.json");
        match (pause, std::fs::exists(&path)) {
            (Some(pause), _) => self.write("pause.json", pause),
            (None, Ok(false)) => Ok(()),
            (None, _) => std::fs::remove_file(&path).with_context(|| format!("failed to remove {}", path.display())),
        }
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<Option<T>> {
        let path = self.folder.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => {
                let help = || format!("{} is damaged: remove it, and choose anew", path.display());
                Ok(Some(serde_json::from_slice(&bytes).with_context(help)?))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
        }
    }

    fn write(&self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        let path = self.folder.join(name);
        let bytes = serde_json::to_vec_pretty(value).context("failed to encode what was chosen")?;
        files::write_secret(&path, &bytes).with_context(|| format!("failed to write {}", path.display()))
    }
}

/// Preferences as a map of their fields.
pub fn fields(preferences: &Preferences) -> Map<String, Value> {
    match serde_json::to_value(preferences) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// A map of fields as preferences: strictly, because somebody typed them.
pub fn from_fields(fields: Map<String, Value>) -> anyhow::Result<Preferences> {
    if let Some(unknown) = fields.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        bail!("there is no preference {unknown:?}; there are {}", FIELDS.join(", "));
    }
    let preferences: Preferences = serde_json::from_value(Value::Object(fields))?;
    preferences.check()?;
    Ok(preferences)
}

/// `local` with one field as it was typed.
pub fn set(local: &Preferences, key: &str, text: &str) -> anyhow::Result<Preferences> {
    let mut all = fields(local);
    let value = value(key, text).with_context(|| format!("{key} {text:?}"))?;
    all.insert(key.to_owned(), value);
    from_fields(all).with_context(|| format!("{key} {text:?}"))
}

/// `local` with one field open.
pub fn unset(local: &Preferences, key: &str) -> anyhow::Result<Preferences> {
    if !FIELDS.contains(&key) {
        bail!("there is no preference {key:?}; there are {}", FIELDS.join(", "));
    }
    let mut all = fields(local);
    all.remove(key);
    from_fields(all)
}

fn value(key: &str, text: &str) -> anyhow::Result<Value> {
    let number = |text: &str| text.parse::<u64>().with_context(|| format!("{text:?} is no whole number"));
    Ok(match key {
        "preset" => text.into(),
        "hours" => hours(text)?.into(),
        "disk_bytes" => text.parse::<ByteSize>()?.0.into(),
        "on_battery" | "metered" => match text {
            "yes" | "true" => true.into(),
            "no" | "false" => false.into(),
            _ => bail!("say yes or no"),
        },
        "pause_programs" => text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect::<Vec<_>>().into(),
        _ => number(text.trim_end_matches(['%', ' ']))?.into(),
    })
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Hours of the week from `mon-fri 19-7, sat-sun 0-24`. A span that ends before it begins goes over midnight.
pub fn hours(text: &str) -> anyhow::Result<Vec<bool>> {
    let mut week = vec![false; HOURS];
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let help = || format!("{part:?} is no time; write it like mon-fri 19-7");
        let (days, span) = part.split_once(' ').with_context(help)?;
        let (from, to) = span.trim().split_once('-').with_context(help)?;
        let (from, to): (usize, usize) = (from.parse().with_context(help)?, to.parse().with_context(help)?);
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let day = |word: &str| DAYS.iter().position(|day| *day == word.to_lowercase()).with_context(help);
        let (first, last) = (day(first)?, day(last)?);
        if from > 23 || to > 24 {
            bail!("{part:?}: hours are 0 to 24");
        }
        let len = if to > from { to - from } else { to + 24 - from };
        for day in 0..=(last + 7 - first) % 7 {
            (0..len).for_each(|hour| week[((first + day) * 24 + from + hour) % HOURS] = true);
        }
    }
    if !week.contains(&true) {
        bail!("no hour is named; write them like mon-fri 19-7, sat-sun 0-24");
    }
    Ok(week)
}

/// Hours of the week as they are typed.
pub fn hours_text(week: &[bool]) -> String {
    if week.iter().all(|hour| *hour) {
        return "always".into();
    }
    let mut parts = Vec::new();
    for (day, name) in DAYS.iter().enumerate() {
        let mut hour = 0;
        while hour < 24 {
            let open = |hour: usize| week.get(day * 24 + hour).copied().unwrap_or(false);
            let from = hour;
            while hour < 24 && open(hour) {
                hour += 1;
            }
            if hour > from {
                parts.push(format!("{name} {from}-{hour}"));
            }
            hour += 1;
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use fallow_protocol::preferences::Preset;

    use super::*;

    #[test]
    fn fields_are_typed_as_people_write_them() {
        let mut chosen = Preferences::default();
        for (key, text) in [
            ("preset", "quiet"),
            ("idle_minutes", "10"),
            ("cpu_percent", "50 %"),
            ("disk_bytes", "2GiB"),
            ("metered", "no"),
            ("pause_programs", "blender, steam"),
        ] {
            chosen = set(&chosen, key, text).unwrap();
        }
        assert_eq!((chosen.preset, chosen.cpu_percent, chosen.metered), (Some(Preset::Quiet), Some(50), Some(false)));
        assert_eq!((chosen.disk_bytes, chosen.pause_programs.as_ref().map(Vec::len)), (Some(2 << 30), Some(2)));
        assert_eq!(unset(&chosen, "preset").unwrap().preset, None);
        for (key, text) in
            [("preset", "loud"), ("cpu_percent", "0"), ("cpu_percent", "x"), ("metered", "maybe"), ("idle", "5")]
        {
            assert!(set(&chosen, key, text).is_err(), "{key} {text}");
        }
        assert!(unset(&chosen, "idle").is_err());
    }

    #[test]
    fn hours_are_read_and_written() {
        let week = hours("mon-fri 19-7, sun 0-24").unwrap();
        assert!(week[19] && week[24 + 6] && !week[7] && week[5 * 24 + 6] && !week[5 * 24 + 7] && week[6 * 24 + 12]);
        assert_eq!(hours(&hours_text(&week)).unwrap(), week);
        assert!(hours("always").is_err() && hours("mon 25-26").is_err() && hours("").is_err());
        assert_eq!(hours_text(&[true; HOURS]), "always");
        let night = hours("fri-mon 22-2").unwrap();
        assert_eq!(night.iter().filter(|hour| **hour).count(), 16);
    }

    #[test]
    fn what_was_chosen_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = Keeper::new(folder.path());
        assert_eq!((keeper.local().unwrap(), keeper.pause().unwrap()), (Preferences::default(), None));
        let pause = OwnPause { reason: "by its owner".into(), until_ms: Some(5), finish: false };
        keeper.keep_pause(Some(&pause)).unwrap();
        assert_eq!(keeper.pause().unwrap(), Some(pause));
        keeper.keep_pause(None).unwrap();
        keeper.keep_pause(None).unwrap();
        assert_eq!(keeper.pause().unwrap(), None);
        std::fs::write(folder.path().join("preferences.json"), "{\"slots\":0}").unwrap();
        assert!(format!("{:#}", keeper.local().unwrap_err()).contains("preferences.json"));
    }
}
