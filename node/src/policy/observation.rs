//! What the computer tells of itself and its user, as plain data. What it does not tell is `None`, and no rule asks.

use serde::{Deserialize, Serialize};

/// One look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Whether it runs on battery.
    pub on_battery: Option<bool>,
    /// The battery's charge, per cent.
    pub charge_percent: Option<u32>,
    /// Temperature of its hottest part, °C.
    pub temperature_c: Option<u32>,
    /// Processor time of all other programs over the last seconds, per cent of all processors.
    pub others_cpu_percent: Option<u32>,
    /// Since somebody used it, seconds.
    pub idle_s: Option<u64>,
    /// Whether its network is metered.
    pub metered: Option<bool>,
    /// Those of the named programs that run, by the names that the owner gave.
    pub programs: Vec<String>,
    /// Hour of the week in local time, 0 to 167, Monday 0:00 first.
    pub hour_of_week: Option<usize>,
}
