//! The owner's rules against what the computer tells: the first rule that says no, in words with its numbers.
//!
//! Levels have two sides, so that a battery at its limit, or a warm processor, does not make the node flicker.

use fallow_protocol::preferences::Preferences;

use super::observation::Observation;

/// Which levels were crossed and not left yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauge {
    battery_low: bool,
    hot: bool,
    busy: bool,
}

impl Gauge {
    /// Why the node stands still under these (whole) preferences, where it does.
    pub fn judge(&mut self, rules: &Preferences, seen: &Observation) -> Option<String> {
        self.cross_levels(rules, seen);
        hours(rules, seen)
            .or_else(|| programs(seen))
            .or_else(|| used(rules, seen))
            .or_else(|| self.battery(rules, seen))
            .or_else(|| network(rules, seen))
            .or_else(|| self.heat(rules, seen))
            .or_else(|| self.others(rules, seen))
    }

    fn cross_levels(&mut self, rules: &Preferences, seen: &Observation) {
        let (stop, resume) = (rules.battery_stop_percent.unwrap_or(0), rules.battery_resume_percent.unwrap_or(0));
        self.battery_low = match (seen.on_battery, seen.charge_percent) {
            (Some(true), Some(charge)) => charge < stop || self.battery_low && charge < resume,
            _ => false,
        };
        let (stop, resume) = (rules.temperature_stop_c.unwrap_or(150), rules.temperature_resume_c.unwrap_or(150));
        self.hot = seen.temperature_c.is_some_and(|now| now > stop || self.hot && now >= resume && resume < stop);
        let stop = rules.busy_cpu_percent.unwrap_or(100);
        let busy = |now| stop < 100 && (now > stop || self.busy && now > calm(stop));
        self.busy = seen.others_cpu_percent.is_some_and(busy);
    }

    fn battery(&self, rules: &Preferences, seen: &Observation) -> Option<String> {
        if seen.on_battery != Some(true) {
            return None;
        }
        if rules.on_battery == Some(false) {
            return Some("on battery; waits for mains".into());
        }
        let charge = seen.charge_percent.filter(|_| self.battery_low)?;
        let stop = rules.battery_stop_percent.unwrap_or(0);
        if charge < stop {
            return Some(format!("battery {charge} % below {stop} %"));
        }
        Some(format!("battery {charge} %; works again from {} % on", rules.battery_resume_percent.unwrap_or(0)))
    }

    fn heat(&self, rules: &Preferences, seen: &Observation) -> Option<String> {
        let now = seen.temperature_c.filter(|_| self.hot)?;
        let stop = rules.temperature_stop_c.unwrap_or(150);
        if now > stop {
            return Some(format!("{now} °C, above {stop} °C"));
        }
        Some(format!("{now} °C; works again below {} °C", rules.temperature_resume_c.unwrap_or(150)))
    }

    fn others(&self, rules: &Preferences, seen: &Observation) -> Option<String> {
        let now = seen.others_cpu_percent.filter(|_| self.busy)?;
        let stop = rules.busy_cpu_percent.unwrap_or(100);
        if now > stop {
            return Some(format!("other programs use {now} % of the processor, above {stop} %"));
        }
        Some(format!("other programs use {now} % of the processor; works again below {} %", calm(stop) + 1))
    }
}

/// Others are calm again at three quarters of what makes the node stop.
fn calm(stop: u32) -> u32 {
    stop * 3 / 4
}

fn hours(rules: &Preferences, seen: &Observation) -> Option<String> {
    let (hours, now) = (rules.hours.as_ref()?, seen.hour_of_week?);
    if hours.get(now).copied().unwrap_or(true) {
        return None;
    }
    let ahead = (1..hours.len()).find(|ahead| hours[(now + ahead) % hours.len()]);
    Some(match ahead {
        Some(ahead) => format!("outside its hours; works again at {}", hour_name((now + ahead) % hours.len(), now)),
        None => "no hour of the week is allowed".into(),
    })
}

/// `18:00`, with the day where it is another one.
fn hour_name(hour: usize, now: usize) -> String {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let (day, of_day) = (hour / 24 % 7, hour % 24);
    if day == now / 24 % 7 { format!("{of_day}:00") } else { format!("{of_day}:00 on {}", DAYS[day]) }
}

fn programs(seen: &Observation) -> Option<String> {
    seen.programs.first().map(|name| format!("{name} runs"))
}

fn used(rules: &Preferences, seen: &Observation) -> Option<String> {
    let (minutes, idle_s) = (rules.idle_minutes.filter(|minutes| *minutes > 0)?, seen.idle_s?);
    if idle_s >= u64::from(minutes) * 60 {
        return None;
    }
    let ago = match idle_s / 60 {
        0 => "just now".to_owned(),
        ago => format!("{ago} min ago"),
    };
    Some(format!("somebody used this computer {ago}; waits for {minutes} min"))
}

fn network(rules: &Preferences, seen: &Observation) -> Option<String> {
    let refused = seen.metered == Some(true) && rules.metered == Some(false);
    refused.then(|| "on a metered network".into())
}

#[cfg(test)]
mod tests {
    use fallow_protocol::preferences::Preset;
    use proptest::prelude::*;

    use super::*;

    fn quiet() -> Preferences {
        Preferences { on_battery: Some(true), ..Preferences::of(Preset::Quiet) }
    }

    fn on_battery(charge: u32) -> Observation {
        Observation { on_battery: Some(true), charge_percent: Some(charge), ..Observation::default() }
    }

    #[test]
    fn a_battery_has_two_levels() {
        let mut gauge = Gauge::default();
        let mut say = |charge| gauge.judge(&quiet(), &on_battery(charge));
        assert_eq!(say(60), None);
        assert_eq!(say(41).as_deref(), Some("battery 41 % below 60 %"));
        assert_eq!(say(60).as_deref(), Some("battery 60 %; works again from 75 % on"));
        assert_eq!(say(75), None);
        assert_eq!(say(61), None, "on its way down it works until it is low");
        let mains = Observation { on_battery: Some(false), charge_percent: Some(5), ..Observation::default() };
        assert_eq!(gauge.judge(&quiet(), &mains), None);
        let never = Preferences { on_battery: Some(false), ..quiet() };
        assert_eq!(gauge.judge(&never, &on_battery(100)).as_deref(), Some("on battery; waits for mains"));
    }

    #[test]
    fn each_rule_says_its_numbers() {
        let rules = Preferences {
            hours: Some((0..168).map(|hour| hour % 24 >= 18).collect()),
            ..Preferences::of(Preset::Quiet)
        };
        let say = |seen: Observation| Gauge::default().judge(&rules, &seen);
        let seen = |change: fn(&mut Observation)| {
            let mut seen = Observation { hour_of_week: Some(20), ..Observation::default() };
            change(&mut seen);
            seen
        };
        let cases: [(fn(&mut Observation), &str); 7] = [
            (|it| it.hour_of_week = Some(9), "outside its hours; works again at 18:00"),
            (|it| it.hour_of_week = Some(24 + 3), "outside its hours; works again at 18:00"),
            (|it| it.programs = vec!["blender".into()], "blender runs"),
            (|it| it.idle_s = Some(125), "somebody used this computer 2 min ago; waits for 5 min"),
            (|it| it.metered = Some(true), "on a metered network"),
            (|it| it.temperature_c = Some(85), "85 °C, above 80 °C"),
            (|it| it.others_cpu_percent = Some(40), "other programs use 40 % of the processor, above 25 %"),
        ];
        for (change, wanted) in cases {
            assert_eq!(say(seen(change)).as_deref(), Some(wanted));
        }
        assert_eq!(say(seen(|it| it.idle_s = Some(300))), None);
        assert_eq!(say(seen(|_| ())), None, "what the computer does not tell stops nothing");
        assert_eq!(hour_name(18, 23), "18:00");
        assert_eq!(hour_name(24, 23), "0:00 on Tuesday");
    }

    fn any_seen() -> impl Strategy<Value = Observation> {
        let maybe = |most: u32| proptest::option::of(0..most);
        (proptest::option::of(any::<bool>()), maybe(101), maybe(120), maybe(101), maybe(1_000), 0usize..168).prop_map(
            |(on_battery, charge_percent, temperature_c, others_cpu_percent, idle_s, hour)| Observation {
                on_battery,
                charge_percent,
                temperature_c,
                others_cpu_percent,
                idle_s: idle_s.map(u64::from),
                hour_of_week: Some(hour),
                ..Observation::default()
            },
        )
    }

    proptest! {
        #[test]
        fn always_means_always(looks in proptest::collection::vec(any_seen(), 1..20)) {
            let (mut gauge, rules) = (Gauge::default(), Preferences::of(Preset::Always));
            prop_assert!(looks.iter().all(|seen| gauge.judge(&rules, seen).is_none()));
        }

        /// Between its two levels nothing changes, in whichever direction the value moves.
        #[test]
        fn nothing_flickers_between_the_levels(
            stop in 1u32..=100, span in 0u32..50, charges in proptest::collection::vec(0u32..=100, 1..60),
        ) {
            let resume = (stop + span).min(100);
            let rules = Preferences {
                battery_stop_percent: Some(stop), battery_resume_percent: Some(resume), ..quiet()
            };
            let (mut gauge, mut paused) = (Gauge::default(), false);
            for charge in charges {
                let now = gauge.judge(&rules, &on_battery(charge)).is_some();
                let wanted = if charge < stop { true } else if charge >= resume { false } else { paused };
                prop_assert_eq!(now, wanted, "at {} between {} and {}", charge, stop, resume);
                paused = now;
            }
        }

        /// A computer that is used less, cooler, or better charged is never paused where one that is worse is not.
        #[test]
        fn rules_are_monotonous(seen in any_seen(), less in 0u32..50) {
            let rules = Preferences { on_battery: Some(true), ..Preferences::of(Preset::Quiet) };
            let better = Observation {
                charge_percent: seen.charge_percent.map(|charge| charge + less),
                temperature_c: seen.temperature_c.map(|heat| heat.saturating_sub(less)),
                others_cpu_percent: seen.others_cpu_percent.map(|share| share.saturating_sub(less)),
                idle_s: seen.idle_s.map(|idle| idle + u64::from(less)),
                ..seen.clone()
            };
            if Gauge::default().judge(&rules, &seen).is_none() {
                prop_assert_eq!(Gauge::default().judge(&rules, &better), None);
            }
        }
    }
}
