//! Battery and mains, from sysfs.

use std::path::Path;

use super::watch::{entries, number, text};

/// What is known of the power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Power {
    /// Whether the computer runs on battery.
    pub on_battery: Option<bool>,
    /// Charge of all its batteries, per cent.
    pub charge_percent: Option<u32>,
}

/// Look below `root/sys/class/power_supply`. Batteries of mice and phones do not count.
pub fn read(root: &Path) -> Power {
    let (mut mains, mut discharging, mut charges) = (None, false, Vec::new());
    for supply in entries(&root.join("sys/class/power_supply")) {
        let is = |file: &str, word: &str| text(&supply.join(file)).is_some_and(|found| found == word);
        if is("scope", "Device") {
            continue;
        }
        match text(&supply.join("type")).as_deref() {
            Some("Battery") if !is("present", "0") => {
                charges.extend(number(&supply.join("capacity")).filter(|percent| (0..=100).contains(percent)));
                discharging |= is("status", "Discharging");
            }
            Some("Mains" | "USB") => mains = Some(mains == Some(true) || is("online", "1")),
            _ => {}
        }
    }
    if charges.is_empty() {
        return Power::default();
    }
    let charge = charges.iter().sum::<i64>() / charges.len() as i64;
    // A charger that is too weak is in, and the battery empties all the same.
    let on_battery = discharging || mains == Some(false);
    Power { on_battery: Some(on_battery), charge_percent: u32::try_from(charge).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supply(root: &Path, name: &str, files: &[(&str, &str)]) {
        let folder = root.join("sys/class/power_supply").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (file, text) in files {
            std::fs::write(folder.join(file), format!("{text}\n")).unwrap();
        }
    }

    #[test]
    fn laptops_have_batteries_and_desktops_have_not() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert_eq!(read(root), Power::default());
        supply(root, "AC", &[("type", "Mains"), ("online", "1")]);
        assert_eq!(read(root), Power::default(), "mains alone are a desktop");
        supply(root, "hid-mouse", &[("type", "Battery"), ("scope", "Device"), ("capacity", "3")]);
        supply(root, "BAT0", &[("type", "Battery"), ("capacity", "40"), ("status", "Charging")]);
        supply(root, "BAT1", &[("type", "Battery"), ("capacity", "60"), ("status", "Full")]);
        assert_eq!(read(root), Power { on_battery: Some(false), charge_percent: Some(50) });
        supply(root, "AC", &[("online", "0")]);
        supply(root, "BAT0", &[("status", "Discharging")]);
        assert_eq!(read(root).on_battery, Some(true));
    }
}
