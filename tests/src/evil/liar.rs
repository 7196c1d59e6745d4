//! What a liar makes of the messages between its node and the server. Pure. Its chances are drawn from its name, so that
//! a liar of the same name lies about the same units.

use std::collections::BTreeMap;

use fallow_protocol::keys::{Purpose, SecretKey};
use fallow_protocol::link::{
    CheckpointNote, Decline, Lease, NodeState, ResultsFrame, SignedResults, Status, ToNode, ToServer,
};
use fallow_protocol::manifest::PROFILE;
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Output, STAGE_RUN, STAGE_SPLIT, UnitKey, UnitResult};
use fallow_protocol::{Digest, JobId, NodeId, wire};

use super::misbehaviour::Misbehaviour;

/// Units of others that a thief claims at a time: the first ones of the stage, which every job has.
const STOLEN_MAX: u64 = 64;
/// So many statuses after the last lease, a thief holds nothing.
const QUIET: u32 = 1;

/// What the relay is to do, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Tell the node.
    ToNode(ToNode),
    /// Tell the server.
    ToServer(ToServer),
    /// Upload these bytes as the node's.
    Upload(Vec<u8>),
    /// Break all connections, for ever.
    Vanish,
}

/// What a node has said of results so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How often it did not tell the truth.
    pub lies: u64,
    /// Frames of results.
    pub frames: u64,
    /// The node's own frames among them of which it does not know whether they are committed.
    pub under_way: usize,
}

/// The liar of one node.
pub struct Liar {
    /// How it misbehaves now.
    pub how: Misbehaviour,
    node: NodeId,
    key: SecretKey,
    seed: Digest,
    /// Times that it did not tell the truth.
    pub lies: u64,
    reported: u64,
    last_frame: u64,
    /// What the node's own frames became, by the node's own numbers, until they are committed.
    sent: BTreeMap<u64, ResultsFrame>,
    /// A thief's aim, and how often it has told its status since it was leased anything.
    job: Option<JobId>,
    quiet: u32,
}

impl Liar {
    /// A liar with a node's identity.
    pub fn new(how: Misbehaviour, node: NodeId, key: SecretKey, name: &str) -> Self {
        let seed = Digest::of(name.as_bytes());
        let sent = BTreeMap::new();
        Self { how, node, key, seed, lies: 0, reported: 0, last_frame: 0, sent, job: None, quiet: 0 }
    }

    /// What was said of results so far.
    pub fn traffic(&self) -> Traffic {
        Traffic { lies: self.lies, frames: self.last_frame, under_way: self.sent.len() }
    }

    /// The server said this.
    pub fn on_server(&mut self, message: ToNode) -> Vec<Step> {
        match message {
            ToNode::Lease(lease) => self.on_lease(lease),
            ToNode::Committed { frame } => self.on_committed(frame),
            other => vec![Step::ToNode(other)],
        }
    }

    /// The node says this. None where it is not understood.
    pub fn on_node(&mut self, message: ToServer) -> Option<Vec<Step>> {
        Some(match message {
            ToServer::Results(signed) => self.on_results(wire::decode(&signed.bytes, usize::MAX).ok()?),
            ToServer::Checkpoint(note) => self.on_checkpoint(note),
            ToServer::Status(status) => self.on_status(status),
            other => vec![Step::ToServer(other)],
        })
    }

    fn on_lease(&mut self, lease: Lease) -> Vec<Step> {
        match self.how.clone() {
            Misbehaviour::Guess { says, fuel } => {
                self.lies += lease.units.len() as u64;
                let guess = |unit: &_| claim(unit, Output::Inline(says.clone()), fuel);
                let results = lease.units.iter().map(|unit| guess(&(unit.key, unit.attempt))).collect();
                vec![self.frame(lease.job, results)]
            }
            Misbehaviour::Steal => {
                self.quiet = 0;
                self.job = Some(lease.job.clone());
                let units = lease.units.iter().map(|unit| (unit.key, unit.attempt)).collect();
                vec![decline(lease.job, units)]
            }
            _ => vec![Step::ToNode(ToNode::Lease(lease))],
        }
    }

    /// A thief takes no more work. What comes all the same was on its way; after that, it claims.
    fn on_status(&mut self, mut status: Status) -> Vec<Step> {
        let thief = self.how == Misbehaviour::Steal;
        let Some(job) = self.job.clone().filter(|_| thief) else {
            return vec![Step::ToServer(ToServer::Status(status))];
        };
        status.state = NodeState::Draining;
        let mut steps = vec![Step::ToServer(ToServer::Status(status))];
        self.quiet += 1;
        if self.quiet > QUIET {
            steps.push(self.stolen(job));
        }
        steps
    }

    /// Claims of first and second attempts.
    fn stolen(&mut self, job: JobId) -> Step {
        let keys = (0..STOLEN_MAX).map(|seq| UnitKey { stage: STAGE_RUN, seq });
        let claims = keys.flat_map(|key| [(key, 1), (key, 2)]);
        let results: Vec<_> = claims.map(|unit| claim(&unit, Output::Inline(b"forged".to_vec()), 5)).collect();
        self.lies += results.len() as u64;
        self.frame(job, results)
    }

    fn on_committed(&mut self, frame: u64) -> Vec<Step> {
        let own = self.sent.iter().find(|(_, sent)| sent.frame == frame).map(|(number, _)| *number);
        // What the liar added is not the node's to hear of.
        let Some(number) = own else { return Vec::new() };
        self.sent.remove(&number);
        vec![Step::ToNode(ToNode::Committed { frame: number })]
    }

    fn on_results(&mut self, frame: ResultsFrame) -> Vec<Step> {
        if let Some(sent) = self.sent.get(&frame.frame) {
            // The node says it again after a reconnection.
            return vec![self.sign(sent)];
        }
        let (number, job) = (frame.frame, frame.job.clone());
        let (mut told, mut refused) = (Vec::new(), Vec::new());
        for result in frame.results {
            match self.change(result) {
                Ok(result) => told.push(result),
                Err(unit) => refused.push(unit),
            }
        }
        let mut steps = Vec::new();
        if !refused.is_empty() {
            steps.push(decline(job.clone(), refused));
        }
        if told.is_empty() {
            steps.push(Step::ToNode(ToNode::Committed { frame: number }));
            return steps;
        }
        let sent = ResultsFrame { results: told, frame: self.next_frame(), ..frame };
        self.sent.insert(number, sent.clone());
        steps.push(self.sign(&sent));
        if self.how == Misbehaviour::Replay {
            steps.extend(self.replays(&sent));
        }
        steps
    }

    fn replays(&mut self, sent: &ResultsFrame) -> Vec<Step> {
        let mut steps = vec![self.sign(sent), self.frame(sent.job.clone(), sent.results.clone())];
        let later =
            |more| sent.results.iter().map(move |old| UnitResult { attempt: old.attempt + more, ..old.clone() });
        steps.push(self.frame(sent.job.clone(), later(1).chain(later(2)).collect()));
        self.lies += steps.len() as u64;
        steps
    }

    fn on_checkpoint(&mut self, note: CheckpointNote) -> Vec<Step> {
        let Misbehaviour::PoisonCheckpoint { state } = self.how.clone() else {
            return vec![Step::ToServer(ToServer::Checkpoint(note))];
        };
        self.lies += 1;
        let poisoned = CheckpointNote { blob: Digest::of(&state), len: state.len() as u64, ..note };
        vec![Step::Upload(state), Step::ToServer(ToServer::Checkpoint(poisoned)), Step::Vanish]
    }

    /// What is said of a result; the unit, where it is given back instead.
    fn change(&mut self, result: UnitResult) -> Result<UnitResult, (UnitKey, u32)> {
        if result.key.stage == STAGE_SPLIT || result.outcome != Outcome::Done {
            return Ok(result);
        }
        self.reported += 1;
        if self.how.refuses(&result) {
            self.lies += 1;
            return Err((result.key, result.attempt));
        }
        let said = self.how.says(result.clone(), &self.seed, self.reported);
        self.lies += u64::from(said != result);
        Ok(said)
    }

    /// A frame of the liar's own.
    fn frame(&mut self, job: JobId, results: Vec<UnitResult>) -> Step {
        let frame = self.next_frame();
        self.sign(&ResultsFrame { node: self.node.clone(), frame, job, profile: PROFILE.into(), results })
    }

    /// Numbers rise as an honest node's do, over its frames and the liar's own.
    fn next_frame(&mut self) -> u64 {
        self.last_frame += 1;
        self.last_frame
    }

    fn sign(&self, frame: &ResultsFrame) -> Step {
        let bytes = wire::encode(frame);
        let signature = self.key.sign(Purpose::Results, &bytes);
        Step::ToServer(ToServer::Results(SignedResults { bytes, signature }))
    }
}

fn decline(job: JobId, units: Vec<(UnitKey, u32)>) -> Step {
    Step::ToServer(ToServer::Decline(Decline { job, units, reason: "not on this computer".into() }))
}

fn claim((key, attempt): &(UnitKey, u32), output: Output, fuel: u64) -> UnitResult {
    UnitResult {
        key: *key,
        attempt: *attempt,
        outcome: Outcome::Done,
        floats: Default::default(),
        fuel,
        memory_bytes: 1 << 20,
        wall_us: 1_000,
        output: Some(output),
        log: Vec::new(),
        resumed_at_fuel: None,
    }
}

#[cfg(test)]
mod tests;
