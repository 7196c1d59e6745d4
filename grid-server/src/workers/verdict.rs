//! From one ending to what is written for its unit. Asks the rules; writes nothing itself.

use fallow_protocol::Digest;
use fallow_protocol::api::{UnitCounts, UnitState};
use fallow_protocol::manifest::Floats;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Output, UnitResult, UnitSpec};
use grid_core::life::{Change, JobFailure, JobLife, Others, Report, Scene, Unit, Verdict, after_failure};
use grid_core::{AccountNo, NodeNo};

use super::conclude::{Ending, How};
use crate::jobs::ActiveJob;
use crate::store::attempts::AttemptRow;
use crate::store::logs::LogRow;
use crate::store::units::{Conclusion, Standing};

/// What is written for one unit.
#[derive(Clone, Debug)]
pub struct Decided {
    /// State before.
    pub from: UnitState,
    /// The unit from now on.
    pub conclusion: Conclusion,
    /// Fuel that the author pays.
    pub fuel: u64,
    /// Whether it counts as a result of its node.
    pub counts: bool,
    /// What the attempt said.
    pub log: Option<LogRow>,
    /// BLAKE3 of an output that does not stand (yet).
    root: Option<Digest>,
    resumed: bool,
}

impl Decided {
    /// The row of an attempt that another one follows.
    pub fn earlier(&self) -> Option<AttemptRow> {
        let unit = &self.conclusion;
        let goes_on = matches!(unit.state, UnitState::Again | UnitState::Checking);
        goes_on.then(|| AttemptRow {
            seq: unit.seq,
            attempt: unit.attempt,
            node: unit.node,
            class: unit.class,
            fuel: unit.fuel,
            wall_us: unit.wall_us,
            memory_bytes: unit.memory_bytes,
            root: self.root,
            resumed: self.resumed,
            message: unit.message.clone(),
        })
    }
}

/// Decides the endings of one stage of one job, one after the other.
pub struct Decider<'a> {
    job: &'a ActiveJob,
    stage: u16,
    life: JobLife,
    counts: UnitCounts,
    last_merge: bool,
    failure: Option<JobFailure>,
}

impl<'a> Decider<'a> {
    /// Begin with the job's counters.
    pub fn new(job: &'a ActiveJob, stage: u16) -> Self {
        let mut state = job.lock();
        let life = state.life(&job.submission);
        let counts = state.find_mut(stage).map(|stage| stage.counts).unwrap_or_default();
        let last_merge = state.is_last_merge(job.submission.assemble);
        Self { job, stage, life, counts, last_merge, failure: None }
    }

    /// Whether nothing about the unit but its fence has to be known: a leased first attempt that is done. (An unchecked
    /// result needs no digest; one that has to be checked comes with a later attempt.)
    pub fn is_plain(ending: &Ending) -> bool {
        ending.held
            && ending.attempt == 1
            && matches!(&ending.how, How::Result(result) if result.outcome == Outcome::Done)
    }

    /// Why the job fails, where one of its units made it fail.
    pub fn failure(&self) -> Option<JobFailure> {
        self.failure
    }

    /// What an ending makes of its unit; none where it is stale.
    pub fn decide(&mut self, ending: &Ending, standing: Option<Standing>, others: Others) -> Option<Decided> {
        let plain = Self::is_plain(ending);
        let (mut unit, input) = match standing {
            Some(standing) => (standing.unit, Some(standing.input)),
            None if plain => (first_attempt(ending), None),
            None => return None,
        };
        let scene = Scene { job_owner: Some(AccountNo(self.job.account)), others };
        let node = NodeNo(ending.node);
        let (verdict, change) = match &ending.how {
            How::Lost => unit.lost(node, ending.attempt),
            How::Declined => unit.declined(node, ending.attempt),
            How::Result(result) => {
                let digest = input.map_or(Digest([0; 32]), |input| self.digest(result, &input.digest()));
                let (outcome, owner) = (&result.outcome, AccountNo(ending.owner));
                unit.result(&Report { node, owner, attempt: ending.attempt, outcome, digest }, &scene)
            }
        };
        if verdict == Verdict::Stale {
            return None;
        }
        let mut decided = self.describe(ending, &unit, verdict);
        decided.from = change.from;
        change.apply(&mut self.counts);
        if unit.state == UnitState::Failed {
            self.fail(&mut decided);
        }
        Some(decided)
    }

    fn digest(&self, result: &UnitResult, input: &Digest) -> Digest {
        let spec = UnitSpec {
            profile: &self.job.profile,
            executed: &self.job.module.executed,
            call: self.job.call(self.stage, self.last_merge),
            input: *input,
            settings: self.job.settings,
        };
        result.digest(&spec)
    }

    /// A unit finally failed: left out, or the job's end.
    fn fail(&mut self, decided: &mut Decided) {
        let after = after_failure(&self.life, self.stage, &self.counts);
        decided.conclusion.state = after.unit;
        Change { from: UnitState::Failed, to: after.unit }.apply(&mut self.counts);
        self.failure = self.failure.or(after.job);
    }

    fn describe(&self, ending: &Ending, unit: &Unit, verdict: Verdict) -> Decided {
        let lost = UnitResult {
            key: ending.key,
            attempt: ending.attempt,
            outcome: Outcome::Lost,
            floats: Floats::Plain,
            fuel: 0,
            memory_bytes: 0,
            wall_us: 0,
            output: None,
            log: Vec::new(),
            resumed_at_fuel: None,
        };
        let result = match &ending.how {
            How::Result(result) => result,
            How::Lost | How::Declined => &lost,
        };
        let message = Some(result.outcome.message()).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
        // Guest errors, traps and limits are paid as done units are; what decided nothing is not.
        let paid = result.outcome.is_deterministic();
        let conclusion = Conclusion {
            seq: ending.key.seq,
            attempt: ending.attempt,
            node: ending.node,
            state: unit.state,
            troubles: unit.troubles.pack(),
            claims: unit.claims.clone(),
            class: result.outcome.class(),
            fuel: result.fuel,
            wall_us: result.wall_us,
            memory_bytes: result.memory_bytes,
            output: result.output.clone().filter(|_| verdict == Verdict::Accepted),
            message: message.clone(),
        };
        let says = message.is_some() || !result.log.is_empty();
        let log = says.then(|| LogRow {
            seq: ending.key.seq,
            attempt: ending.attempt,
            class: result.outcome.class(),
            message,
            log: result.log.clone(),
        });
        Decided {
            from: unit.state,
            conclusion,
            fuel: if paid { result.fuel } else { 0 },
            counts: paid,
            log,
            root: result.output.as_ref().filter(|_| verdict != Verdict::Accepted).map(Output::root),
            resumed: result.resumed_at_fuel.is_some(),
        }
    }
}

fn first_attempt(ending: &Ending) -> Unit {
    Unit { state: UnitState::Running, attempt: 1, on: Some(NodeNo(ending.node)), ..Unit::default() }
}
