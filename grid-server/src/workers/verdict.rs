//! From one ending to what is written for its unit. Asks the rules; writes nothing itself.

use std::collections::HashSet;

use fallow_protocol::Digest;
use fallow_protocol::api::{UnitCounts, UnitState};
use fallow_protocol::job::Verify;
use fallow_protocol::manifest::Floats;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Output, UnitResult, UnitSpec};
use grid_core::life::{
    About, Basis, Change, Claim, JobFailure, JobLife, Others, Report, Scene, Unit, Verdict, after_failure,
};
use grid_core::settle::{self, Attempt, End, Ended, Pay, Role};
use grid_core::trust::{GridKind, Marks, Policy, Treatment};
use grid_core::{AccountNo, NodeNo};

use super::conclude::{Ending, How};
use crate::jobs::ActiveJob;
use crate::store::attempts::AttemptRow;
use crate::store::logs::LogRow;
use crate::store::units::{Conclusion, Standing};
use crate::trust::SERVER;

/// What an attempt's outcome says where several nodes said different things.
const DISAGREE: &str = "nodes gave different results for this unit, and nobody is left to decide between them";

/// What is written for one unit.
#[derive(Clone, Debug)]
pub struct Decided {
    /// State before.
    pub from: UnitState,
    /// The unit from now on.
    pub conclusion: Conclusion,
    /// Fuel that counts against the author's quota.
    pub fuel: u64,
    /// Whether it counts as a result of its node.
    pub counts: bool,
    /// What the attempt said.
    pub log: Option<LogRow>,
    /// What the verdict was.
    pub verdict: Verdict,
    /// All claims of the unit, the newest last, where several were compared.
    pub claims: Vec<Claim>,
    /// What is paid now.
    pub pays: Vec<Pay>,
    /// Whose result stands, where it is not the newest attempt's.
    pub told_by: Option<i64>,
    /// Only nodes that nobody knows say the same: the claim whose pay is held, so that it can be looked through.
    pub unvouched: Option<usize>,
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
            floats: unit.floats,
            message: unit.message.clone(),
        })
    }
}

/// What is known when an ending is decided.
pub struct Facts<'a> {
    /// Whether somebody else could run the unit.
    pub others: Others,
    /// What to do with a first result.
    pub treatment: Treatment,
    /// The node's position with it.
    pub position: u64,
    /// Who made the checkpoint that the run went on from.
    pub resumed_from: Option<i64>,
    /// The unit as it stands, where more of it has to be known than its fence.
    pub standing: Option<Standing>,
    /// Earlier attempts that ran into the time limit.
    pub late: &'a [AttemptRow],
}

/// Decides the endings of one stage of one job, one after the other.
pub struct Decider<'a> {
    job: &'a ActiveJob,
    stage: u16,
    policy: &'a Policy,
    about: &'a dyn Fn(NodeNo) -> About,
    owner_of: &'a dyn Fn(i64) -> i64,
    forfeited: &'a HashSet<(u64, u32)>,
    life: JobLife,
    counts: UnitCounts,
    last_merge: bool,
    failure: Option<JobFailure>,
}

impl<'a> Decider<'a> {
    /// Begin with the job's counters. `forfeited` are units and attempts of claims whose held pay is void.
    pub fn new(
        job: &'a ActiveJob,
        stage: u16,
        policy: &'a Policy,
        about: &'a dyn Fn(NodeNo) -> About,
        owner_of: &'a dyn Fn(i64) -> i64,
        forfeited: &'a HashSet<(u64, u32)>,
    ) -> Self {
        let mut state = job.lock();
        let life = state.life(&job.submission);
        let counts = state.find_mut(stage).map(|stage| stage.counts).unwrap_or_default();
        let last_merge = state.is_last_merge(job.submission.assemble);
        Self { job, stage, policy, about, owner_of, forfeited, life, counts, last_merge, failure: None }
    }

    /// Whether nothing about the unit but its fence has to be known: a leased first attempt that is done. (An unchecked
    /// result needs no digest; one that has to be checked needs it.)
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
    pub fn decide(&mut self, ending: &Ending, facts: Facts<'_>) -> Option<Decided> {
        let (mut unit, input, output) = match facts.standing {
            Some(standing) => (standing.unit, Some(standing.input), standing.output),
            None if Self::is_plain(ending) => (first_attempt(ending), None, None),
            None => return None,
        };
        let scene = Scene {
            job_owner: Some(AccountNo(self.job.account)),
            others: facts.others,
            treatment: facts.treatment,
            policy: self.policy,
            about: self.about,
        };
        let node = NodeNo(ending.node);
        let before = unit.claims.clone();
        let (verdict, change, claim) = match &ending.how {
            How::Lost => with_none(unit.lost(node, ending.attempt, &scene)),
            How::Declined => with_none(unit.declined(node, ending.attempt, &scene)),
            How::Result(result) => {
                let spec = input.map(|input| spec_of(self.job, self.stage, self.last_merge, input.digest()));
                let digest = |of: fn(&UnitResult, &UnitSpec<'_>) -> Digest| {
                    spec.as_ref().map_or(Digest([0; 32]), |spec| of(result, spec))
                };
                let report = Report {
                    node,
                    owner: AccountNo(ending.owner),
                    attempt: ending.attempt,
                    outcome: &result.outcome,
                    digest: digest(UnitResult::digest),
                    essence: digest(UnitResult::essence),
                    fuel: result.fuel,
                    floats: result.floats,
                    resumed_from: facts.resumed_from.map(NodeNo),
                    position: facts.position,
                };
                let (verdict, change) = unit.result(&report, &scene);
                (verdict, change, Some(report.claim(before.first().map_or(2, |first| first.needed))))
            }
        };
        if verdict == Verdict::Stale {
            return None;
        }
        let mut decided = self.describe(ending, &unit, verdict, &before, output);
        decided.from = change.from;
        if decided.told_by.is_none() {
            decided.conclusion.resumed_from = facts.resumed_from;
        }
        decided.claims = before.into_iter().chain(claim).collect();
        self.bill(&mut decided, ending, facts.late);
        change.apply(&mut self.counts);
        if unit.state == UnitState::Failed {
            self.fail(&mut decided);
        }
        Some(decided)
    }

    /// What a unit comes to whose check nobody makes; none where it waits on. `message` is what its first claim said.
    pub fn decide_alone(&mut self, standing: Standing, message: Option<String>) -> Option<Decided> {
        let scene = Scene {
            job_owner: Some(AccountNo(self.job.account)),
            others: Others::None,
            treatment: Treatment::Final,
            policy: self.policy,
            about: self.about,
        };
        let (mut unit, before) = (standing.unit.clone(), standing.unit.claims);
        let (verdict, change) = unit.nobody_else(&scene).ok()??;
        let first = *before.first()?;
        let undecided = matches!(verdict, Verdict::Failed(Basis::Disputed));
        let lost = Outcome::Lost.class();
        let conclusion = Conclusion {
            seq: standing.seq,
            attempt: unit.attempt,
            node: first.node.0,
            state: unit.state,
            troubles: unit.troubles.pack(),
            claims: Vec::new(),
            class: if undecided { lost } else { first.class },
            fuel: if undecided { 0 } else { first.fuel },
            wall_us: 0,
            memory_bytes: 0,
            output: standing.output.filter(|_| unit.state == UnitState::Done),
            message: if undecided { Some(DISAGREE.to_owned()) } else { message },
            floats: first.floats,
            resumed_from: first.resumed_from.map(|node| node.0),
        };
        let mut decided = Decided {
            from: change.from,
            conclusion,
            fuel: 0,
            counts: false,
            log: None,
            verdict,
            claims: before,
            pays: Vec::new(),
            told_by: Some(first.node.0),
            unvouched: None,
            root: None,
            resumed: false,
        };
        self.pay(&mut decided, None, &[]);
        change.apply(&mut self.counts);
        if unit.state == UnitState::Failed {
            self.fail(&mut decided);
        }
        Some(decided)
    }

    /// A unit finally failed: left out, or the job's end.
    fn fail(&mut self, decided: &mut Decided) {
        let after = after_failure(&self.life, self.stage, &self.counts);
        decided.conclusion.state = after.unit;
        Change { from: UnitState::Failed, to: after.unit }.apply(&mut self.counts);
        self.failure = self.failure.or(after.job);
    }

    fn describe(
        &self,
        ending: &Ending,
        unit: &Unit,
        verdict: Verdict,
        before: &[Claim],
        kept: Option<Output>,
    ) -> Decided {
        let lost = nothing(ending);
        let result = match &ending.how {
            How::Result(result) => result,
            How::Lost | How::Declined => &lost,
        };
        let message = Some(result.outcome.message()).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
        let first = before.first().filter(|_| verdict.is_of_first(true));
        // What stood before its check is still paid by what is held for it, and is void when that is.
        let stood = before.first().filter(|claim| claim.held && !self.is_forfeited(ending.key.seq, claim));
        let confirmed =
            stood.filter(|_| matches!(verdict, Verdict::Accepted(Basis::Agreed { right, .. }) if right.has(0)));
        let output = match verdict {
            Verdict::Accepted(_) if first.is_some() => kept,
            Verdict::Accepted(_) => result.output.clone(),
            // What waits for its check keeps the output that came first.
            Verdict::Check { .. } if before.is_empty() => result.output.clone(),
            Verdict::Check { .. } | Verdict::Again if unit.state == UnitState::Checking => kept,
            _ => None,
        };
        let conclusion = Conclusion {
            seq: ending.key.seq,
            attempt: ending.attempt,
            node: ending.node,
            state: unit.state,
            troubles: unit.troubles.pack(),
            claims: unit.claims.clone(),
            class: first.map_or(result.outcome.class(), |claim| claim.class),
            fuel: first.map_or(result.fuel, |claim| claim.fuel),
            wall_us: result.wall_us,
            memory_bytes: result.memory_bytes,
            output,
            message: message.clone(),
            floats: first.map_or(result.floats, |claim| claim.floats),
            resumed_from: None,
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
            fuel: 0,
            counts: result.outcome.is_deterministic(),
            log,
            verdict,
            claims: Vec::new(),
            pays: Vec::new(),
            told_by: first.or(confirmed).map(|claim| claim.node.0),
            unvouched: None,
            root: result.output.as_ref().map(Output::root),
            resumed: result.resumed_at_fuel.is_some(),
        }
    }

    /// What is paid now, and what counts against the quota.
    fn bill(&self, decided: &mut Decided, ending: &Ending, late: &[AttemptRow]) {
        let newest = match &ending.how {
            How::Result(result) if result.outcome == Outcome::TimeLimit => Some(Attempt {
                attempt: ending.attempt,
                node: NodeNo(ending.node),
                owner: AccountNo(ending.owner),
                role: Role::Work,
                end: End::TimeLimit { fuel: result.fuel },
            }),
            _ => None,
        };
        self.pay(decided, newest, late);
    }

    /// `newest` is the newest attempt where it ran into the time limit, `late` are earlier ones that did.
    fn pay(&self, decided: &mut Decided, newest: Option<Attempt>, late: &[AttemptRow]) {
        let (Verdict::Accepted(basis) | Verdict::Failed(basis)) = decided.verdict else { return };
        let ended = match (decided.verdict, basis) {
            (Verdict::Accepted(_), _) => Ended::Done,
            (_, Basis::Troubles) if newest.is_some() => Ended::TimeLimit,
            (_, Basis::Troubles | Basis::Disputed) => Ended::Nothing,
            _ => Ended::Failed,
        };
        let right = match basis {
            Basis::Agreed { right, .. } => right,
            // A single word that stands.
            Basis::Believed { .. } | Basis::Unconfirmed => Marks(1),
            Basis::Disputed | Basis::Troubles => Marks(0),
        };
        let mut attempts: Vec<Attempt> =
            decided.claims.iter().enumerate().map(|(at, claim)| self.attempt(at, claim, right.has(at))).collect();
        if ended == Ended::TimeLimit {
            attempts = late.iter().map(|row| self.late(row)).collect();
            attempts.extend(newest);
        }
        for attempt in &mut attempts {
            if self.forfeited.contains(&(decided.conclusion.seq, attempt.attempt)) {
                attempt.end = End::Nothing;
            }
        }
        // The author pays for a lender's run, also where the server's own was right before it.
        attempts.sort_by_key(|attempt| attempt.node.0 == SERVER);
        let unit = settle::Unit {
            author: AccountNo(self.job.account),
            fuel_limit: self.job.limits().fuel,
            ended,
            attempts: &attempts,
        };
        let pays = settle::settle(&unit);
        let stood = |attempt: u32| decided.claims.iter().any(|claim| claim.attempt == attempt && claim.held);
        // A result that stood before its check was counted then.
        let counted = decided.claims.iter().enumerate().any(|(at, claim)| claim.held && right.has(at));
        let author = |pay: &&Pay| pay.payer == settle::Payer::Author && !stood(pay.attempt);
        let charged = pays.iter().filter(author).fold(0u64, |sum, pay| sum.saturating_add(pay.fuel));
        // One's own nodes work at no charge, but not without bounds.
        let is_own = matches!(ended, Ended::Done | Ended::Failed) && !counted;
        let own = if is_own { decided.conclusion.fuel } else { 0 };
        decided.fuel = charged.max(own);
        // What is held is paid when it is final.
        let is_held = matches!(basis, Basis::Believed { held: true });
        let unvouched = self.unvouched(decided, basis);
        let later = unvouched.map(|at| decided.claims[at].attempt);
        let due = |pay: &Pay| {
            let to_itself = pay.node.0 == SERVER && pay.payer == settle::Payer::Grid;
            !is_held && !to_itself && !stood(pay.attempt) && later.is_none_or(|attempt| attempt != pay.attempt)
        };
        decided.pays = pays.into_iter().filter(due).collect();
        if let Some(at) = unvouched {
            // What is looked through is found by whose result it is.
            decided.told_by = Some(decided.claims[at].node.0);
            decided.unvouched = Some(at);
        }
    }

    /// The first of those who were right, where none of them is known on a grid that anybody may join.
    fn unvouched(&self, decided: &Decided, basis: Basis) -> Option<usize> {
        let Basis::Agreed { right, .. } = basis else { return None };
        let is_done = matches!(decided.verdict, Verdict::Accepted(_));
        if !is_done || self.policy.grid != GridKind::Open {
            return None;
        }
        let known = |at: usize| {
            let claim = &decided.claims[at];
            claim.owner.0 == self.job.account || (self.about)(claim.node).standing.vouches()
        };
        let kept = |at: &usize| !self.is_forfeited(decided.conclusion.seq, &decided.claims[*at]);
        if right.iter().any(known) { None } else { right.iter().find(kept) }
    }

    /// Whether the pay that was held for this claim is void.
    fn is_forfeited(&self, seq: u64, claim: &Claim) -> bool {
        self.forfeited.contains(&(seq, claim.attempt))
    }

    fn attempt(&self, at: usize, claim: &Claim, right: bool) -> Attempt {
        let copies = matches!(self.job.submission.verify, Verify::Copies(_));
        let role = match at {
            0 => Role::Work,
            // Copies that the author asked for are his to pay.
            _ if copies || self.job.submission.critical => Role::Backup,
            _ => Role::Check,
        };
        let end = End::Result { fuel: claim.fuel, right, resumed: claim.resumed_from.is_some() };
        Attempt { attempt: claim.attempt, node: claim.node, owner: claim.owner, role, end }
    }

    fn late(&self, row: &AttemptRow) -> Attempt {
        Attempt {
            attempt: row.attempt,
            node: NodeNo(row.node),
            owner: AccountNo((self.owner_of)(row.node)),
            role: Role::Work,
            end: End::TimeLimit { fuel: row.fuel },
        }
    }
}

/// What a result of the job's newest stage is made of besides itself.
pub fn spec(job: &ActiveJob, stage: u16, input: Digest) -> UnitSpec<'_> {
    let last_merge = job.lock().is_last_merge(job.submission.assemble);
    spec_of(job, stage, last_merge, input)
}

fn spec_of(job: &ActiveJob, stage: u16, last_merge: bool, input: Digest) -> UnitSpec<'_> {
    UnitSpec {
        profile: &job.profile,
        executed: &job.module.executed,
        call: job.call(stage, last_merge),
        input,
        settings: job.settings,
    }
}

/// What an attempt gave that nobody answers for.
fn nothing(ending: &Ending) -> UnitResult {
    UnitResult {
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
    }
}

fn with_none((verdict, change): (Verdict, Change)) -> (Verdict, Change, Option<Claim>) {
    (verdict, change, None)
}

fn first_attempt(ending: &Ending) -> Unit {
    Unit { state: UnitState::Running, attempt: 1, on: Some(NodeNo(ending.node)), ..Unit::default() }
}
