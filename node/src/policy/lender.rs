//! All that the owner says, here and on the portal, and what follows from it now. Pure.

use fallow_protocol::link::{OwnerWish, OwnerWord, RemotePause};
use fallow_protocol::preferences::Preferences;
use serde::{Deserialize, Serialize};

use super::gauge::Gauge;
use super::observation::Observation;

/// A computer that nobody has touched for so long is not in use, as far as memory is shared.
const UNUSED_S: u64 = 5 * 60;

/// A pause that the owner asked for at the computer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPause {
    /// In words, as the grid shows them.
    pub reason: String,
    /// When it ends by itself, milliseconds since 1970.
    #[serde(default)]
    pub until_ms: Option<u64>,
    /// Whether units that have begun end first.
    #[serde(default)]
    pub finish: bool,
}

/// What the computer has, and what command line or `node.toml` fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Means {
    /// Logical processors.
    pub cores: u32,
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// Units at once, where they are fixed.
    pub slots: Option<u32>,
    /// Memory of all units, bytes, where it is fixed.
    pub units_memory_bytes: Option<u64>,
    /// Disk for modules and inputs, bytes, where it is fixed.
    pub disk_bytes: Option<u64>,
}

/// What the node offers now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Units at once.
    pub slots: u32,
    /// Share of the time in which they run, thousandths.
    pub duty_permille: u32,
    /// Memory of all units, bytes.
    pub memory_bytes: u64,
    /// Disk for modules and inputs, bytes, where anybody says.
    pub disk_bytes: Option<u64>,
    /// Paused for so long, it gives its units back, milliseconds.
    pub give_back_ms: u64,
}

/// Whether it stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Why.
    pub reason: String,
    /// When it ends by itself, milliseconds since 1970.
    pub until_ms: Option<u64>,
    /// Whether units that have begun end first.
    pub finish: bool,
}

/// The owner.
#[derive(Clone, Debug)]
pub struct Lender {
    means: Means,
    local: Preferences,
    remote: Preferences,
    rules: Preferences,
    pause: Option<OwnPause>,
    remote_pause: Option<RemotePause>,
    resumed: Option<u64>,
    gauge: Gauge,
    seen: Observation,
}

impl Lender {
    /// As it was kept.
    pub fn new(means: Means, local: Preferences, wish: &OwnerWish, pause: Option<OwnPause>) -> Self {
        let rules = Preferences::effective(&local, &wish.preferences);
        Self {
            means,
            local,
            remote: wish.preferences.clone(),
            rules,
            pause,
            remote_pause: wish.pause,
            resumed: None,
            gauge: Gauge::default(),
            seen: Observation::default(),
        }
    }

    /// He chose at the computer.
    pub fn choose(&mut self, local: Preferences) {
        self.local = local;
        self.rules = Preferences::effective(&self.local, &self.remote);
    }

    /// He chose on the portal. A pause that he ended here stays ended.
    pub fn wish(&mut self, wish: &OwnerWish) {
        self.remote = wish.preferences.clone();
        self.rules = Preferences::effective(&self.local, &self.remote);
        self.remote_pause = wish.pause.filter(|pause| Some(pause.since_ms) != self.resumed);
    }

    /// He pauses at the computer.
    pub fn pause(&mut self, pause: OwnPause) {
        self.pause = Some(pause);
    }

    /// He resumes at the computer: every pause that somebody asked for ends, those of the rules do not.
    pub fn resume(&mut self) {
        self.pause = None;
        if let Some(pause) = self.remote_pause.take() {
            self.resumed = Some(pause.since_ms);
        }
    }

    /// The computer was looked at.
    pub fn see(&mut self, seen: Observation) {
        self.seen = seen;
    }

    /// What was seen last.
    pub fn seen(&self) -> &Observation {
        &self.seen
    }

    /// What he says here, as the grid is told.
    pub fn word(&self) -> OwnerWord {
        OwnerWord { preferences: self.local.clone(), resumed: self.resumed }
    }

    /// His pause at the computer, to be kept.
    pub fn own_pause(&self) -> Option<&OwnPause> {
        self.pause.as_ref()
    }

    /// What the computer has, and what is fixed.
    pub fn means(&self) -> &Means {
        &self.means
    }

    /// What he chose here, on the portal, and what holds.
    pub fn preferences(&self) -> (&Preferences, &Preferences, &Preferences) {
        (&self.local, &self.remote, &self.rules)
    }

    /// Why the node stands still now, where it does: his own word before the portal's, and both before the rules.
    pub fn stands(&mut self, unix_ms: u64) -> Option<Pause> {
        let lasts = |until: Option<u64>| until.is_none_or(|until| until > unix_ms);
        self.pause = self.pause.take().filter(|pause| lasts(pause.until_ms));
        self.remote_pause = self.remote_pause.filter(|pause| lasts(pause.until_ms));
        // The levels are followed also while somebody else's word holds.
        let rule = self.gauge.judge(&self.rules, &self.seen);
        let own = self.pause.clone().map(|OwnPause { reason, until_ms, finish }| Pause { reason, until_ms, finish });
        let portal = self.remote_pause.map(|RemotePause { until_ms, finish, .. }| {
            let reason = "from the portal".into();
            Pause { reason, until_ms, finish }
        });
        let rule = rule.map(|reason| Pause { reason, until_ms: None, finish: false });
        match own.or(portal) {
            // Who lets begun units end does not let them break a rule meanwhile.
            Some(word) if word.finish && rule.is_some() => rule,
            Some(word) => Some(word),
            None => rule,
        }
    }

    /// When a pause ends by itself next, milliseconds since 1970.
    pub fn ends_ms(&self) -> Option<u64> {
        let own = self.pause.as_ref().and_then(|pause| pause.until_ms);
        own.into_iter().chain(self.remote_pause.and_then(|pause| pause.until_ms)).min()
    }

    /// What the node offers now.
    pub fn offer(&self) -> Offer {
        let Means { cores, memory_bytes, .. } = self.means;
        let percent = self.rules.cpu_percent.unwrap_or(100).clamp(1, 100);
        let allowed_permille = (u64::from(cores) * u64::from(percent) * 10).max(1);
        let wanted = self.rules.slots.map_or(u64::MAX, u64::from);
        let slots = self.means.slots.map_or((allowed_permille / 1_000).min(wanted).max(1), u64::from);
        let duty = if percent < 100 { (allowed_permille / slots).clamp(1, 1_000) } else { 1_000 };
        let used = self.seen.idle_s.is_some_and(|idle| idle < UNUSED_S);
        let share = if used { self.rules.memory_percent_busy } else { self.rules.memory_percent_idle };
        let share = memory_bytes / 100 * u64::from(share.unwrap_or(50));
        Offer {
            slots: u32::try_from(slots).unwrap_or(u32::MAX),
            duty_permille: duty as u32,
            memory_bytes: self.means.units_memory_bytes.unwrap_or(share),
            disk_bytes: self.means.disk_bytes.or(self.rules.disk_bytes),
            give_back_ms: u64::from(self.rules.give_back_minutes.unwrap_or(5)) * 60_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use fallow_protocol::preferences::Preset;

    use super::*;

    const MEANS: Means =
        Means { cores: 8, memory_bytes: 16 << 30, slots: None, units_memory_bytes: None, disk_bytes: None };

    fn lender(local: Preferences) -> Lender {
        Lender::new(MEANS, local, &OwnerWish::default(), None)
    }

    fn portal(since_ms: u64, until_ms: Option<u64>) -> OwnerWish {
        OwnerWish { pause: Some(RemotePause { since_ms, until_ms, finish: false }), ..OwnerWish::default() }
    }

    #[test]
    fn the_share_of_the_processors_is_slots_and_then_time() {
        let offer = |cores, percent, slots| {
            let means = Means { cores, ..MEANS };
            let local = Preferences { cpu_percent: Some(percent), slots, ..Preferences::default() };
            let offer = Lender::new(means, local, &OwnerWish::default(), None).offer();
            (offer.slots, offer.duty_permille)
        };
        assert_eq!(offer(8, 100, None), (8, 1_000));
        assert_eq!(offer(8, 70, None), (5, 1_000));
        assert_eq!(offer(8, 70, Some(2)), (2, 1_000));
        assert_eq!(offer(2, 30, None), (1, 600));
        assert_eq!(offer(1, 1, None), (1, 10));
        let fixed = Means { slots: Some(6), cores: 2, ..MEANS };
        assert_eq!(Lender::new(fixed, Preferences::default(), &OwnerWish::default(), None).offer().slots, 6);
    }

    #[test]
    fn memory_depends_on_whether_somebody_is_there() {
        let mut lender = lender(Preferences { preset: Some(Preset::Quiet), ..Preferences::default() });
        let share = |lender: &Lender| lender.offer().memory_bytes / ((16 << 30) / 100);
        assert_eq!(share(&lender), 60);
        lender.see(Observation { idle_s: Some(10), ..Observation::default() });
        assert_eq!(share(&lender), 20);
    }

    #[test]
    fn nothing_ends_in_peace_against_a_rule() {
        let mut lender = lender(Preferences { idle_minutes: Some(5), ..Preferences::default() });
        lender.wish(&OwnerWish {
            pause: Some(RemotePause { since_ms: 7, until_ms: None, finish: true }),
            ..OwnerWish::default()
        });
        lender.see(Observation { idle_s: Some(3_600), ..Observation::default() });
        assert!(lender.stands(0).unwrap().finish, "begun units end first");
        lender.see(Observation { idle_s: Some(10), ..Observation::default() });
        let pause = lender.stands(0).unwrap();
        assert!(!pause.finish && pause.reason.contains("used this computer"), "{pause:?}");
    }

    #[test]
    fn the_word_at_the_computer_wins() {
        let mut lender = lender(Preferences::default());
        lender.wish(&portal(7, None));
        assert_eq!(lender.stands(0).unwrap().reason, "from the portal");
        lender.pause(OwnPause { reason: "by its owner".into(), until_ms: Some(100), finish: false });
        assert_eq!(lender.stands(0).unwrap().reason, "by its owner");
        assert_eq!(lender.ends_ms(), Some(100));
        assert_eq!(lender.stands(100).unwrap().reason, "from the portal", "a pause ends by itself");
        lender.resume();
        assert_eq!((lender.stands(100), lender.word().resumed), (None, Some(7)));
        lender.wish(&portal(7, None));
        assert_eq!(lender.stands(101), None, "the grid may not have heard yet");
        lender.wish(&portal(8, Some(200)));
        assert!(lender.stands(150).is_some() && lender.stands(200).is_none());
    }

    #[test]
    fn resuming_does_not_overrule_the_rules() {
        let mut lender = lender(Preferences { on_battery: Some(false), ..Preferences::default() });
        lender.see(Observation { on_battery: Some(true), ..Observation::default() });
        lender.resume();
        assert_eq!(lender.stands(0).unwrap().reason, "on battery; waits for mains");
    }
}
