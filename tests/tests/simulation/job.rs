//! A job of the toy store: its stages with their units, and what its units would truly give.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use fallow_protocol::Digest;
use fallow_protocol::api::{JobPhase, UnitCounts};
use fallow_protocol::job::{Assemble, OnFailed, RunOn};
use fallow_protocol::manifest::Limits;
use fallow_protocol::outcome::{LimitKind, Outcome};
use fallow_protocol::unit::{STAGE_RUN, STAGE_SPLIT, UnitKey};
use grid_core::life::{About, JobLife, Others, Scene, Unit, views};
use grid_core::matching::{JobView, Picky, Worth};
use grid_core::trust::{Policy, Standing, Treatment};
use grid_core::{AccountNo, JobNo, NodeNo};

use crate::chance::{Chance, mix};

/// A unit's row.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub unit: Unit,
    pub last: Option<NodeNo>,
    pub ready_since_ms: u64,
    /// Nodes that said something else than the truth about it.
    pub liars: BTreeSet<NodeNo>,
}

/// The units of one stage, with what the store's indexes would know.
#[derive(Debug, Clone, Default)]
pub struct Stage {
    pub rows: Vec<Row>,
    pub counts: UnitCounts,
    pub plain: BTreeSet<u64>,
    pub picky: BTreeSet<u64>,
}

impl Stage {
    pub fn add(&mut self, units: u64, now_ms: u64) {
        for _ in 0..units {
            self.plain.insert(self.rows.len() as u64);
            self.rows.push(Row { ready_since_ms: now_ms, ..Row::default() });
        }
        self.counts.waiting += units;
    }

    /// Put the unit where the matcher finds it, or nowhere.
    pub fn index(&mut self, seq: u64) {
        let row = &self.rows[seq as usize];
        let is_picky = row.unit.avoid(row.last).is_some();
        for (set, belongs) in [(&mut self.plain, !is_picky), (&mut self.picky, is_picky)] {
            if row.unit.is_ready() && belongs {
                set.insert(seq);
            } else {
                set.remove(&seq);
            }
        }
    }
}

#[derive(Debug, Clone)]
pub struct Job {
    pub no: JobNo,
    pub owner: AccountNo,
    pub run_on: RunOn,
    pub limits: Limits,
    pub life: JobLife,
    pub stages: BTreeMap<u16, Stage>,
    /// Units of the work, once all are made.
    pub work_units: u64,
    pub unit_us: u64,
    pub deadline_ms: Option<u64>,
    pub has_quota: bool,
    pub retries: u32,
    pub error: Option<String>,
    pub declined_by: BTreeMap<NodeNo, u64>,
    trouble_permille: u64,
    seen_us: (u64, u64),
}

impl Job {
    pub fn random(no: i64, accounts: u64, chance: &mut Chance) -> Self {
        let guest_split = chance.permille(300);
        let stage = if guest_split { STAGE_SPLIT } else { STAGE_RUN };
        let on_failed = match chance.permille(500) {
            true => OnFailed::LeaveOut { permille_max: chance.one_of(&[10, 100, 1_000]) },
            false => OnFailed::Stop,
        };
        let assemble = chance.one_of(&[Assemble::Archive, Assemble::Concat, Assemble::Merge]);
        let life = JobLife { phase: JobPhase::Splitting, stage, split_done: false, on_failed, assemble };
        Self {
            no: JobNo(no),
            owner: AccountNo(chance.below(accounts) as i64),
            run_on: if chance.permille(250) { RunOn::Own } else { RunOn::Anyone },
            limits: Limits { memory_bytes: chance.one_of(&[1, 1, 2, 3]) << 30, ..Limits::default() },
            life,
            stages: BTreeMap::from([(stage, Stage::default())]),
            work_units: chance.one_of(&[1, 7, 40, 150, 600]),
            unit_us: chance.one_of(&[5_000, 200_000, 3_000_000, 40_000_000]),
            deadline_ms: chance.permille(100).then(|| chance.between(20_000, 2_000_000)),
            has_quota: !chance.permille(100),
            retries: 0,
            error: None,
            declined_by: BTreeMap::new(),
            trouble_permille: chance.one_of(&[0, 0, 5, 60]),
            seen_us: (0, 0),
        }
    }

    pub fn stage(&self) -> &Stage {
        &self.stages[&self.life.stage]
    }

    pub fn stage_mut(&mut self, stage: u16) -> &mut Stage {
        self.stages.entry(stage).or_default()
    }

    pub fn row(&self, key: UnitKey) -> &Row {
        &self.stages[&key.stage].rows[key.seq as usize]
    }

    /// How the unit ends on an honest and healthy computer.
    pub fn truth(&self, key: UnitKey) -> Outcome {
        let draw = mix(mix(self.no.0 as u64 ^ (u64::from(key.stage) << 48)) ^ key.seq);
        if draw % 1_000 >= self.trouble_permille || key.stage != STAGE_RUN && draw % 7 > 0 {
            return Outcome::Done;
        }
        match draw / 1_000 % 8 {
            0..3 => Outcome::GuestError { message: "not a tile".into() },
            3..5 => Outcome::Trap { message: "unreachable".into() },
            5..7 => Outcome::Limit { limit: LimitKind::Memory, message: String::new() },
            _ => Outcome::TimeLimit,
        }
    }

    /// What results are compared by: the same for the same outcome, unless `lie` says which lie it is.
    pub fn digest(&self, key: UnitKey, outcome: &Outcome, lie: u8) -> Digest {
        let mut bytes = [lie; 32];
        bytes[..8].copy_from_slice(&mix(key.seq ^ (u64::from(key.stage) << 40) ^ self.no.0 as u64).to_le_bytes());
        bytes[8] = outcome.class();
        Digest(bytes)
    }

    /// Count a run's time for the average.
    pub fn saw(&mut self, us: u64) {
        self.seen_us = (self.seen_us.0 + us, self.seen_us.1 + 1);
    }

    pub fn view(&self, now_ms: u64) -> JobView {
        let stage = self.stage();
        JobView {
            id: self.no,
            owner: self.owner,
            run_on: self.run_on.clone(),
            module: fallow_protocol::Digest([0; 32]),
            members: Default::default(),
            suspended: None,
            limits: self.limits,
            profile: "p".into(),
            ready: stage.plain.len() as u64,
            picky: stage.picky.iter().map(|seq| self.picky(*seq, now_ms)).collect(),
            avoid: self.declined_by.iter().filter(|(_, until)| **until > now_ms).map(|(node, _)| *node).collect(),
            prefers: None,
            unit_us: self.seen_us.0.checked_div(self.seen_us.1),
            unit_fuel: None,
            fuel_left: if self.has_quota { u64::MAX } else { 0 },
            budget_left: None,
            weight: 1_000,
        }
    }

    fn picky(&self, seq: u64, now_ms: u64) -> Picky {
        let key = UnitKey { stage: self.life.stage, seq };
        let row = self.row(key);
        let avoid = row.unit.avoid(row.last).expect("a picky unit avoids somebody");
        let waiting_ms = now_ms - row.ready_since_ms;
        let claims = views(&row.unit.claims, Some(self.owner), &about);
        Picky { key, avoid: if avoid.must { Vec::new() } else { avoid.nodes }, claims, by_server: true, waiting_ms }
    }
}

/// Everybody is trusted here: what trust makes of liars has a simulation of its own.
pub fn worth(node: NodeNo) -> Worth {
    let About { standing, network, arch, engine, .. } = about(node);
    Worth { standing, seasoned: true, passes: 1_000, network, arch, engine, new: false, ..Worth::default() }
}

/// The same as verdicts see it.
pub fn about(node: NodeNo) -> About {
    About { standing: Standing::Trusted, network: node.0 as u64, arch: 1, engine: 1, fault_position: 0 }
}

/// What verdicts depend on: results of strangers are believed for now.
pub fn scene(job_owner: AccountNo, others: Others) -> Scene<'static> {
    static POLICY: LazyLock<Policy> = LazyLock::new(Policy::default);
    Scene { job_owner: Some(job_owner), others, treatment: Treatment::Provisional, policy: &POLICY, about: &about }
}
