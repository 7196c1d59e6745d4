//! The invariants, checked from the toy store's own rows and leases, independent of the rules that made them.

use fallow_protocol::api::UnitCounts;
use fallow_protocol::unit::UnitKey;
use grid_core::life::{Basis, Verdict, count};

use crate::grid::{Grid, Lease, Message};
use crate::job::Job;

impl Grid {
    /// Whether the sender holds a lease of this very attempt: the store's own word, independent of the rules.
    pub fn is_leased(&self, message: &Message) -> bool {
        let unit = (message.key, message.attempt);
        let leases = self.leases.values();
        let mut of_node = leases.filter(|lease| lease.node == message.node && lease.job == message.job);
        of_node.any(|lease| lease.units.contains(&unit))
    }

    /// What no single stranger may do: make a good unit fail as if confirmed.
    pub fn check_verdict(&mut self, message: &Message, verdict: Verdict, is_lie: bool, is_own: bool) {
        let believed = is_lie && matches!(verdict, Verdict::Accepted(_) | Verdict::Failed(_));
        self.tally.lies_believed += u64::from(believed);
        if is_lie && !is_own && matches!(verdict, Verdict::Failed(Basis::Agreed { kept: false, .. })) {
            let liars = self.job(message.job).row(message.key).liars.len();
            assert!(liars >= 2, "one liar alone failed {:?} of {:?}", message.key, message.job);
        }
    }

    /// S1 and the counters, over everything.
    pub fn check(&self) {
        for job in self.jobs.iter().filter(|job| !job.life.phase.is_final()) {
            for (number, stage) in &job.stages {
                let mut counts = UnitCounts::default();
                for (seq, row) in stage.rows.iter().enumerate() {
                    *count(&mut counts, row.unit.state) += 1;
                    self.check_unit(job, UnitKey { stage: *number, seq: seq as u64 });
                }
                assert_eq!(counts, stage.counts, "the counters of stage {number} of {:?} are wrong", job.no);
            }
        }
    }

    /// S1: ready, on a node with a lease, or ended; exactly one of them.
    fn check_unit(&self, job: &Job, key: UnitKey) {
        let unit = &job.row(key).unit;
        let stage = &job.stages[&key.stage];
        let is_queued = stage.plain.contains(&key.seq) || stage.picky.contains(&key.seq);
        let places = [is_queued, unit.on.is_some(), unit.has_ended()];
        assert_eq!(places.iter().filter(|place| **place).count(), 1, "S1: {key:?} of {:?} is {unit:?}", job.no);
        if let Some(node) = unit.on {
            let is_leased =
                |lease: &Lease| lease.node == node && lease.job == job.no && lease.units.contains(&(key, unit.attempt));
            assert!(self.leases.values().any(is_leased), "S1: {key:?} of {:?} has no lease", job.no);
        }
    }
}
