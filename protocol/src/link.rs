//! What server and node say over their WebSocket: binary messages, MessagePack with named fields.
//!
//! Order: server `Hello`, node `Login`, server `Welcome` or `Refused`. Then the node tells its `Status` every
//! heartbeat and at each change; the server sends a `Job` once and then `Lease`s of it; the node sends signed
//! `Results` and keeps each frame until `Committed` names it, also over reconnections.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{JobId, NodeId};
use crate::job::FileRef;
use crate::keys::{OnlineCert, Signature};
use crate::manifest::{Exports, Floats, Limits, SignedManifest};
use crate::preferences::Preferences;
use crate::unit::{Call, Input, UnitKey, UnitResult};

/// From the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToNode {
    /// First message of a connection.
    Hello(Hello),
    /// The login is accepted.
    Welcome(Welcome),
    /// The connection ends; what was wrong and what to do.
    Refused(Refused),
    /// A job that leases will name. Sent once a connection, before its first lease; and again with the parts that it
    /// may be asked to join soon.
    Job(Box<JobGrant>),
    /// Units to run.
    Lease(Lease),
    /// Units to stop; their results are not wanted any more.
    Cancel(Cancel),
    /// The grid's operator stopped what this job runs: its units stop, and none of it is taken until the job is said
    /// again.
    Suspended {
        /// The job.
        job: JobId,
        /// Why, for the node's owner.
        reason: String,
    },
    /// A frame of results is safe: the node may forget it.
    Committed {
        /// Number of the frame.
        frame: u64,
    },
    /// What the owner wishes from the portal. Only for nodes that say [`FEATURE_OWNER`] at login: it is sent after the
    /// login and at each change, and holds the whole of it.
    Owner(Box<OwnerWish>),
    /// The server is going away for a moment; reconnect with back-off. Leases stay valid.
    Closing,
}

/// A node that says so in [`Login::features`] understands [`ToNode::Owner`].
pub const FEATURE_OWNER: &str = "owner";

/// What a node's owner wishes from the portal. His word at the computer wins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnerWish {
    /// The node's name there.
    pub name: String,
    /// What he allows.
    pub preferences: Preferences,
    /// The pause that he asked for, while it lasts.
    pub pause: Option<RemotePause>,
}

/// A pause from the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemotePause {
    /// When it was asked for, milliseconds since 1970: also what tells it from other ones.
    pub since_ms: u64,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Whether units that have begun end first.
    #[serde(default)]
    pub finish: bool,
}

/// From the node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToServer {
    /// Answer to `Hello`.
    Login(Login),
    /// State and heartbeat.
    Status(Status),
    /// Results, signed.
    Results(SignedResults),
    /// A checkpoint, uploaded as a blob before.
    Checkpoint(CheckpointNote),
    /// Units that the node gives back unrun.
    Decline(Decline),
}

/// The challenge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// Oldest protocol that the server speaks.
    pub version_min: u32,
    /// Newest protocol that the server speaks.
    pub version_max: u32,
    /// 32 random bytes, used once, for 30 seconds.
    #[serde(with = "serde_bytes")]
    pub nonce: Vec<u8>,
    /// The root's word for the server's online key.
    pub cert: OnlineCert,
    /// Server's clock, milliseconds since 1970.
    pub now_ms: u64,
}

/// The answer to the challenge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Login {
    /// Who.
    pub node: NodeId,
    /// Protocol chosen.
    pub version: u32,
    /// The node's signature over [`login_bytes`].
    pub signature: Signature,
    /// What the computer is.
    pub machine: Machine,
    /// Semantics profile that its workers run.
    pub profile: String,
    /// Leases from before that it still works on.
    pub leases: Vec<u64>,
    /// What it understands beyond its protocol's first messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
}

/// What a node signs to log in: its id, the server's root and the nonce.
pub fn login_bytes(node: &NodeId, cert: &OnlineCert, nonce: &[u8]) -> Vec<u8> {
    let mut bytes = node.as_str().as_bytes().to_vec();
    bytes.extend(cert.root.0);
    bytes.extend(nonce);
    bytes
}

/// What a node signs to be enrolled: its key and the token's secret.
pub fn enrol_bytes(token_secret: &str, name: &str) -> Vec<u8> {
    let mut bytes = (token_secret.len() as u64).to_le_bytes().to_vec();
    bytes.extend(token_secret.as_bytes());
    bytes.extend(name.as_bytes());
    bytes
}

/// The connection stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// Bearer token for `/api/v1/node/blobs`, valid while this connection lasts.
    pub session: String,
    /// Send a status at least this often, milliseconds.
    pub heartbeat_ms: u64,
    /// Leases end this long after their last mention in a status, milliseconds.
    pub lease_ms: u64,
    /// Whether checkpoints are wanted, and at most how often a unit, milliseconds.
    pub checkpoint_ms: u64,
    /// Leases of the node's list that the server does not know (any more): drop their units.
    pub unknown_leases: Vec<u64>,
}

/// Why a connection ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Why, for programs.
    pub reason: RefusedReason,
    /// Why and what to do, for people.
    pub message: String,
}

/// Why a connection ends, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedReason {
    /// No protocol in common.
    Version,
    /// The node is not known, was removed, or the signature is wrong. Trying again does not help.
    Unauthorised,
    /// Another connection of the same node took over.
    Replaced,
    /// Something arrived that no node sends.
    Protocol,
    /// Too many messages.
    Flood,
    /// The server has no room; try later.
    Busy,
    /// The grid's operator suspended the node or its owner; it may try later.
    Suspended,
}

/// What a computer is, from sysinfo and a short benchmark.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system and version.
    pub os: String,
    /// Processor architecture, as `x86_64`.
    pub arch: String,
    /// Processor's name.
    pub cpu: String,
    /// Logical processors.
    pub cores: u32,
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// Free disk where the node keeps its data, bytes.
    pub disk_bytes: u64,
    /// Fuel a second of one core on the fixed kernel of the node's benchmark.
    pub fuel_per_s: u64,
    /// Version of `fallow-node`.
    pub version: String,
    /// Engine and its version; evidence only.
    pub engine: String,
}

/// Whether a node takes work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum NodeState {
    /// It takes work.
    Active,
    /// Its owner's rules say no for now; running units stand still.
    Paused {
        /// The rule, in words.
        reason: String,
    },
    /// It finishes what it has and takes nothing new.
    Draining,
}

/// What a node does now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Whether it takes work.
    pub state: NodeState,
    /// Units that it runs at once.
    pub slots: u32,
    /// Memory that its units may use together, bytes.
    pub memory_bytes: u64,
    /// Whether it takes strangers' jobs (its sandbox can be set up and its owner agrees).
    pub takes_strangers: bool,
    /// Leases that it works on: each mention renews it.
    pub leases: Vec<u64>,
    /// Units that it holds and has not yet reported, all leases together.
    pub units_held: u64,
    /// Progress of running units that told any, newest first, at most 64.
    pub progress: Vec<UnitProgress>,
    /// What its owner chose, in the first status of a connection and after each change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Box<OwnerWord>>,
}

/// What a node's owner chose at the computer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnerWord {
    /// What he allows.
    pub preferences: Preferences,
    /// The pause from the portal that he ended: its `since_ms`.
    pub resumed: Option<u64>,
}

/// How far one running unit is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitProgress {
    /// The job.
    pub job: JobId,
    /// The unit.
    pub key: UnitKey,
    /// Done so far.
    pub done: u64,
    /// Of so much; 0 where the task does not say.
    pub total: u64,
}

/// Everything about a job that its units share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobGrant {
    /// The job.
    pub job: JobId,
    /// Its name.
    pub name: String,
    /// Whether its author owns this node.
    pub own: bool,
    /// The module, signed by author and grid.
    pub manifest: SignedManifest,
    /// Bytes of the component.
    pub module_bytes: u64,
    /// The build that its units begin with.
    pub floats: Floats,
    /// What it exports.
    pub exports: Exports,
    /// Arguments of a WASI command.
    pub args: Vec<String>,
    /// Limits a unit.
    pub limits: Limits,
    /// Seed of the units' random streams.
    pub seed: u64,
    /// Submission, milliseconds since 1970: where the guest's clocks begin.
    pub epoch_ms: u64,
    /// Shared files with their lengths.
    pub shared: Vec<(FileRef, u64)>,
    /// Outputs, with their lengths, that a merge will read which this node will probably run: worth fetching ahead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<(Digest, u64)>,
}

/// Units of one job for one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// Number of the lease.
    pub id: u64,
    /// The job, sent before.
    pub job: JobId,
    /// The export they call.
    pub call: Call,
    /// The units.
    pub units: Vec<LeaseUnit>,
}

/// One leased unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeaseUnit {
    /// Which.
    pub key: UnitKey,
    /// Which attempt.
    pub attempt: u32,
    /// Its input.
    pub input: Input,
    /// The build that it begins with, where that is not the job's: results are checked by canonical ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floats: Option<Floats>,
    /// Checkpoint to go on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<CheckpointRef>,
}

/// A checkpoint as a lease names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointRef {
    /// The state's bytes.
    pub blob: Digest,
    /// Length in bytes.
    pub len: u64,
    /// Fuel used when it was made.
    pub fuel: u64,
    /// Who made it.
    pub made_by: NodeId,
}

/// Units to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cancel {
    /// The job.
    pub job: JobId,
    /// These attempts; empty means all of the job.
    pub units: Vec<(UnitKey, u32)>,
}

/// Units given back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decline {
    /// The job.
    pub job: JobId,
    /// These attempts.
    pub units: Vec<(UnitKey, u32)>,
    /// Why, for the author's `explain` and the operator.
    pub reason: String,
}

/// A checkpoint was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointNote {
    /// The job.
    pub job: JobId,
    /// The unit.
    pub key: UnitKey,
    /// Its attempt.
    pub attempt: u32,
    /// The state, uploaded before.
    pub blob: Digest,
    /// Its length in bytes.
    pub len: u64,
    /// Fuel used when it was made.
    pub fuel: u64,
}

/// A frame of results as it is signed: MessagePack of [`ResultsFrame`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignedResults {
    /// The frame's bytes.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// The node's signature over them.
    pub signature: Signature,
}

/// Results of one job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultsFrame {
    /// Who.
    pub node: NodeId,
    /// Number of the frame: rises over the node's life, also over restarts.
    pub frame: u64,
    /// The job.
    pub job: JobId,
    /// Its profile.
    pub profile: String,
    /// The results.
    pub results: Vec<UnitResult>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    /// A newer peer may send fields that this version does not know.
    #[test]
    fn unknown_fields_are_ignored() {
        #[derive(Serialize)]
        struct NewerRefused {
            reason: RefusedReason,
            message: String,
            retry_after_ms: u64,
        }
        let bytes =
            wire::encode(&NewerRefused { reason: RefusedReason::Busy, message: "full".into(), retry_after_ms: 5 });
        let read: Refused = wire::decode(&bytes, 1024).unwrap();
        assert_eq!(read, Refused { reason: RefusedReason::Busy, message: "full".into() });
    }

    /// A node that was made before owners could choose says nothing of it.
    #[test]
    fn older_nodes_are_understood() {
        #[derive(Serialize)]
        struct OlderStatus {
            state: NodeState,
            slots: u32,
            memory_bytes: u64,
            takes_strangers: bool,
            leases: Vec<u64>,
            units_held: u64,
            progress: Vec<UnitProgress>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "snake_case")]
        enum Older {
            Status(OlderStatus),
        }
        let state = NodeState::Active;
        let (leases, progress) = (vec![4], Vec::new());
        let older =
            OlderStatus { state, slots: 2, memory_bytes: 9, takes_strangers: true, leases, units_held: 1, progress };
        let bytes = wire::encode(&Older::Status(older));
        let ToServer::Status(read) = wire::decode(&bytes, 1024).unwrap() else { panic!("a status") };
        assert_eq!((read.slots, read.leases, read.owner), (2, vec![4], None));
    }

    #[test]
    fn messages_round_trip() {
        let pause = RemotePause { since_ms: 5, until_ms: None, finish: true };
        let wish = OwnerWish { name: "attic".into(), pause: Some(pause), ..OwnerWish::default() };
        let messages = [
            ToNode::Owner(Box::new(wish)),
            ToNode::Closing,
            ToNode::Committed { frame: 7 },
            ToNode::Cancel(Cancel { job: JobId::random(), units: vec![(UnitKey { stage: 1, seq: 9 }, 2)] }),
            ToNode::Lease(Lease {
                id: 3,
                job: JobId::random(),
                call: Call::Run,
                units: vec![LeaseUnit {
                    key: UnitKey { stage: 1, seq: 0 },
                    attempt: 1,
                    input: Input::Inline(vec![1, 2]),
                    floats: None,
                    checkpoint: None,
                }],
            }),
        ];
        for message in messages {
            let bytes = wire::encode(&message);
            assert_eq!(wire::decode::<ToNode>(&bytes, 1 << 20).unwrap(), message);
            assert!(wire::decode::<ToNode>(&bytes, bytes.len() - 1).is_err());
            for cut in 0..bytes.len() {
                assert!(wire::decode::<ToNode>(&bytes[..cut], 1 << 20).is_err(), "cut at {cut}");
            }
        }
    }
}
