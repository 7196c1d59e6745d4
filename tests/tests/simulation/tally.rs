//! What happened in a simulation, so that one sees whether its generator reaches everything.

/// Counts over one or many seeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub leased: u64,
    pub accepted: u64,
    pub failed_confirmed: u64,
    pub failed_unconfirmed: u64,
    pub checks: u64,
    pub agains: u64,
    pub stale: u64,
    pub expired: u64,
    pub declined: u64,
    pub alone: u64,
    pub left_out: u64,
    pub retried: u64,
    pub lies_believed: u64,
    pub jobs_done: u64,
    pub jobs_failed: u64,
    pub jobs_cancelled: u64,
    pub merges: u64,
    pub simulated_s: u64,
}

impl Tally {
    fn fields(&self) -> [(&'static str, u64); 18] {
        [
            ("leased", self.leased),
            ("accepted", self.accepted),
            ("failed_confirmed", self.failed_confirmed),
            ("failed_unconfirmed", self.failed_unconfirmed),
            ("checks", self.checks),
            ("agains", self.agains),
            ("stale", self.stale),
            ("expired", self.expired),
            ("declined", self.declined),
            ("alone", self.alone),
            ("left_out", self.left_out),
            ("retried", self.retried),
            ("lies_believed", self.lies_believed),
            ("jobs_done", self.jobs_done),
            ("jobs_failed", self.jobs_failed),
            ("jobs_cancelled", self.jobs_cancelled),
            ("merges", self.merges),
            ("simulated_s", self.simulated_s),
        ]
    }

    pub fn add(&mut self, other: &Tally) {
        let ours = [
            &mut self.leased,
            &mut self.accepted,
            &mut self.failed_confirmed,
            &mut self.failed_unconfirmed,
            &mut self.checks,
            &mut self.agains,
            &mut self.stale,
            &mut self.expired,
            &mut self.declined,
            &mut self.alone,
            &mut self.left_out,
            &mut self.retried,
            &mut self.lies_believed,
            &mut self.jobs_done,
            &mut self.jobs_failed,
            &mut self.jobs_cancelled,
            &mut self.merges,
            &mut self.simulated_s,
        ];
        for (ours, (_, theirs)) in ours.into_iter().zip(other.fields()) {
            *ours += theirs;
        }
    }

    /// A simulation that never reaches something proves nothing about it.
    pub fn assert_everything_happened(&self) {
        for (name, count) in self.fields() {
            assert!(count > 0, "no seed reached {name}: {self:#?}");
        }
    }
}
