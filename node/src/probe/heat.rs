//! The hottest part, from sysfs: thermal zones, and where there are none the processor's own sensors.

use std::path::Path;

use super::watch::{entries, number, text};

/// Sensors that sit in processors.
const SENSORS: [&str; 5] = ["coretemp", "k10temp", "zenpower", "cpu_thermal", "applesmc"];

/// The highest temperature below `root`, °C.
pub fn read(root: &Path) -> Option<u32> {
    let zones = entries(&root.join("sys/class/thermal")).into_iter().filter(|path| named(path, "thermal_zone"));
    let hottest = zones.filter_map(|zone| degrees(&zone.join("temp"))).max();
    hottest.or_else(|| sensors(root))
}

fn sensors(root: &Path) -> Option<u32> {
    let chips = entries(&root.join("sys/class/hwmon"));
    let ours = chips.into_iter().filter(|chip| text(&chip.join("name")).is_some_and(|name| SENSORS.contains(&&*name)));
    let inputs = ours.flat_map(|chip| entries(&chip)).filter(|file| named(file, "temp") && ends(file, "_input"));
    inputs.filter_map(|file| degrees(&file)).max()
}

fn named(path: &Path, begin: &str) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(begin))
}

fn ends(path: &Path, end: &str) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(end))
}

/// Thousandths of a degree; broken sensors tell what no computer has.
fn degrees(path: &Path) -> Option<u32> {
    let degrees = number(path)? / 1_000;
    u32::try_from(degrees).ok().filter(|degrees| (1..150).contains(degrees))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hottest_part_counts_and_broken_sensors_do_not() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        assert_eq!(read(root.path()), None);
        write("sys/class/hwmon/hwmon0/name", "nvme");
        write("sys/class/hwmon/hwmon0/temp1_input", "99000");
        write("sys/class/hwmon/hwmon1/name", "coretemp");
        write("sys/class/hwmon/hwmon1/temp1_input", "61000");
        write("sys/class/hwmon/hwmon1/temp1_max", "100000");
        assert_eq!(read(root.path()), Some(61));
        write("sys/class/thermal/thermal_zone0/temp", "47500");
        write("sys/class/thermal/thermal_zone1/temp", "-274000");
        write("sys/class/thermal/thermal_zone2/temp", "204000");
        write("sys/class/thermal/cooling_device0/temp", "99000");
        assert_eq!(read(root.path()), Some(47));
    }
}
