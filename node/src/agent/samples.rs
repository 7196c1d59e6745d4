//! Small jobs, units and results for the tests beside the rules.

use std::sync::LazyLock;

use fallow_protocol::digest::Digest;
use fallow_protocol::keys::{OnlineCert, SecretKey};
use fallow_protocol::link::{JobGrant, Lease, LeaseUnit};
use fallow_protocol::manifest::{AuthoredManifest, Builds, Exports, Floats, Limits, Manifest, PROFILE, SignedManifest};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Call, Input, Output, UnitKey, UnitResult};
use fallow_protocol::{JobId, NodeId};

use super::io::{End, Now};
use super::{Agent, AgentSetup};
use crate::policy::Policy;

/// When everything here is valid, milliseconds since 1970.
pub const UNIX_MS: u64 = 1_000_000;

/// The root key that the samples' grid has.
pub fn root() -> &'static SecretKey {
    static ROOT: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::from_seed([1; 32]));
    &ROOT
}

/// The agent's clock.
pub fn at(ms: u64) -> Now {
    Now { ms, unix_ms: UNIX_MS }
}

/// A rightly signed job.
pub fn grant(own: bool) -> JobGrant {
    let (online, author) = (SecretKey::from_seed([2; 32]), SecretKey::from_seed([3; 32]));
    let cert = OnlineCert::issue(root(), online.public(), 1, UNIX_MS * 2);
    let manifest = Manifest {
        component: Digest::of(b"component"),
        executed: Builds { plain: Digest::of(b"plain"), canonical: Digest::of(b"canonical") },
        source: None,
        limits: Limits::default(),
        profile: PROFILE.into(),
        author: author.public(),
        serial: 1,
        expires_at_ms: UNIX_MS * 2,
    };
    JobGrant {
        job: JobId::random(),
        name: "cells".into(),
        own,
        manifest: SignedManifest::countersign(AuthoredManifest::sign(&manifest, &author), &online, cert),
        module_bytes: 9,
        floats: Floats::Plain,
        exports: Exports { run: true, ..Exports::default() },
        args: vec![],
        limits: Limits::default(),
        seed: 1,
        epoch_ms: UNIX_MS,
        shared: vec![],
        parts: Vec::new(),
    }
}

/// A lease of the units `seqs`, all first attempts.
pub fn lease(id: u64, job: &JobId, seqs: std::ops::Range<u64>) -> Lease {
    let input = || Input::Inline(vec![0; 32]);
    let units = seqs.map(|seq| LeaseUnit { key: key(seq), attempt: 1, input: input(), floats: None, checkpoint: None });
    Lease { id, job: job.clone(), call: Call::Run, units: units.collect() }
}

/// A unit of the work.
pub fn key(seq: u64) -> UnitKey {
    UnitKey { stage: 1, seq }
}

/// A good end after `wall_us`.
pub fn done(wall_us: u64) -> End {
    End {
        outcome: Outcome::Done,
        floats: Floats::Plain,
        fuel: 10,
        memory_bytes: 65_536,
        wall_us,
        output: Some(Output::Inline(vec![7; 8])),
        log: vec![],
    }
}

/// A good result.
pub fn result(seq: u64, attempt: u32) -> UnitResult {
    UnitResult {
        key: key(seq),
        attempt,
        outcome: Outcome::Done,
        floats: Floats::Plain,
        fuel: u64::MAX,
        memory_bytes: u64::MAX,
        wall_us: u64::MAX,
        output: Some(Output::Inline(vec![7; 8])),
        log: vec![],
        resumed_at_fuel: Some(u64::MAX),
    }
}

/// An agent with so many slots.
pub fn agent(slots: u32) -> Agent {
    Agent::new(AgentSetup {
        node: NodeId::random(),
        root: root().public(),
        policy: Policy {
            slots,
            memory_bytes: 8 << 30,
            takes_strangers: true,
            paused: None,
            finishing: None,
            draining: false,
        },
        seen_serial: 0,
        next_frame: 1,
        tells_units: true,
    })
}
