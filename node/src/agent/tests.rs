//! The agent's tables: what it does about leases, results, cancels, pauses, reconnections, deaths.

use fallow_protocol::link::{Cancel, JobGrant, NodeState, ResultsFrame, Status, ToNode, ToServer, Welcome};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Input, Output, Range, UnitKey};
use fallow_protocol::{Digest, JobId};

use super::io::{Action, OwnerCommand, Parked, PrepareError, SlotEvent, SlotUnit, Uploaded};
use super::samples::{agent, at, done, grant, key, lease};
use super::slots::queue_depth;
use super::{Agent, UNITS_MAX};
use crate::events::Event;

mod owner;

/// An agent with its recorded actions; every test says which of them it expects.
struct Bed {
    agent: Agent,
    job: JobId,
    grant: JobGrant,
    actions: Vec<Action>,
}

impl Bed {
    /// Online, with one prepared job.
    fn new(slots: u32) -> Self {
        let grant = grant(true);
        let mut bed = Self { agent: agent(slots), job: grant.job.clone(), grant: grant.clone(), actions: vec![] };
        bed.online(0, &[]);
        bed.message(0, ToNode::Job(Box::new(grant)));
        assert!(bed.take().iter().any(|action| matches!(action, Action::Prepare(_))));
        bed.actions = bed.agent.on_prepared(at(0), &bed.job.clone(), Ok(()));
        assert_eq!(bed.take(), []);
        bed
    }

    fn online(&mut self, ms: u64, unknown: &[u64]) {
        let welcome = Welcome {
            session: "s".into(),
            heartbeat_ms: 1_000,
            lease_ms: 5_000,
            checkpoint_ms: 500,
            unknown_leases: unknown.to_vec(),
        };
        self.actions.extend(self.agent.on_online(at(ms), &welcome, 1));
    }

    fn message(&mut self, ms: u64, message: ToNode) {
        self.actions.extend(self.agent.on_message(at(ms), message));
    }

    fn lease(&mut self, ms: u64, id: u64, seqs: std::ops::Range<u64>) {
        let lease = lease(id, &self.job, seqs);
        self.message(ms, ToNode::Lease(lease));
    }

    fn slot(&mut self, ms: u64, slot: usize, events: Vec<SlotEvent>) {
        let life = self.agent.slots[slot].life;
        self.actions.extend(self.agent.on_slot(at(ms), slot, life, events));
    }

    /// Lease, start the first slot's worker, and begin its first unit.
    fn running(&mut self, units: u64) -> SlotUnit {
        self.lease(0, 1, 0..units);
        self.slot(0, 0, vec![SlotEvent::Ready]);
        let unit = self.submitted().remove(0);
        self.slot(0, 0, vec![SlotEvent::Started { tag: unit.tag }]);
        self.take();
        unit
    }

    fn take(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    fn submitted(&self) -> Vec<SlotUnit> {
        let units = self.actions.iter().filter_map(|action| match action {
            Action::Submit { units, .. } => Some(units.clone()),
            _ => None,
        });
        units.flatten().collect()
    }

    fn frames(&self) -> Vec<ResultsFrame> {
        let frames = self.actions.iter().filter_map(|action| match action {
            Action::Frame { frame, .. } => Some(frame.clone()),
            _ => None,
        });
        frames.collect()
    }

    fn declined(&self) -> Vec<(Vec<(UnitKey, u32)>, String)> {
        let notes = self.actions.iter().filter_map(|action| match action {
            Action::Send(ToServer::Decline(note)) => Some((note.units.clone(), note.reason.clone())),
            _ => None,
        });
        notes.collect()
    }

    fn status(&self) -> Option<Status> {
        self.actions.iter().rev().find_map(|action| match action {
            Action::Send(ToServer::Status(status)) => Some(status.clone()),
            _ => None,
        })
    }

    fn has(&self, wanted: &Action) -> bool {
        self.actions.contains(wanted)
    }
}

#[test]
fn a_unit_goes_from_lease_to_forgotten() {
    let mut bed = Bed::new(1);
    bed.lease(0, 5, 0..1);
    let life = bed.agent.slots[0].life;
    assert_eq!(bed.take(), [Action::Start { slot: 0, life, job: bed.job.clone() }]);
    bed.slot(1, 0, vec![SlotEvent::Ready]);
    let unit = bed.submitted().remove(0);
    assert_eq!(unit.unit.key, key(0));
    bed.take();
    bed.slot(2, 0, vec![SlotEvent::Started { tag: unit.tag }, SlotEvent::Ended { tag: unit.tag, end: done(100) }]);
    let frame = bed.frames().remove(0);
    assert_eq!((frame.frame, frame.results.len(), frame.results[0].attempt), (1, 1, 1));
    assert_eq!(bed.agent.lease_ids(), [5], "mentioned until it is committed");
    bed.take();
    bed.message(3, ToNode::Committed { frame: 1 });
    assert_eq!(bed.take(), [Action::Forget { frame: 1 }]);
    assert_eq!(bed.agent.lease_ids(), [0u64; 0]);
    bed.message(4, ToNode::Committed { frame: 1 });
    assert_eq!(bed.take(), [], "a second commit changes nothing");
}

#[test]
fn tiny_units_are_shared_between_slots_in_batches() {
    let mut bed = Bed::new(2);
    bed.lease(0, 1, 0..1_000);
    bed.slot(0, 0, vec![SlotEvent::Ready]);
    bed.slot(0, 1, vec![SlotEvent::Ready]);
    let first = bed.submitted();
    assert_eq!(first.len(), 2, "one each until their time is known");
    bed.take();
    bed.slot(1, 0, vec![SlotEvent::Ended { tag: first[0].tag, end: done(30) }]);
    let batches: Vec<usize> = (0..2).map(|slot| bed.agent.slots[slot].queue.len()).collect();
    assert_eq!(batches, [499, 251], "half of what waits, then half of the rest");
    bed.take();
    bed.slot(2, 1, vec![SlotEvent::Ended { tag: first[1].tag, end: done(30) }]);
    assert_eq!(bed.submitted().len(), 125, "and again half of the rest to whoever has half of its queue left");
}

#[test]
fn long_units_are_queued_one_or_two_deep() {
    assert_eq!(queue_depth(None), 1);
    assert_eq!(queue_depth(Some(10_000_000)), 2);
    assert_eq!(queue_depth(Some(30)), 512);
    let mut bed = Bed::new(2);
    bed.lease(0, 1, 0..3);
    bed.slot(0, 0, vec![SlotEvent::Ready]);
    bed.slot(0, 1, vec![SlotEvent::Ready]);
    let first = bed.submitted();
    bed.take();
    bed.slot(9, 0, vec![SlotEvent::Ended { tag: first[0].tag, end: done(9_000_000) }]);
    assert_eq!(bed.submitted().len(), 1);
}

#[test]
fn frames_close_with_age_and_when_nothing_is_left() {
    let mut bed = Bed::new(1);
    let unit = bed.running(3);
    bed.slot(10, 0, vec![SlotEvent::Ended { tag: unit.tag, end: done(50_000) }]);
    assert!(bed.frames().is_empty(), "company is on its way");
    let due = bed.agent.due_ms().unwrap();
    assert!((11..=20).contains(&due), "{due}");
    bed.actions = bed.agent.on_tick(at(due));
    assert_eq!(bed.frames().len(), 1);
}

#[test]
fn a_duplicate_lease_changes_nothing_and_a_newer_attempt_replaces() {
    let mut bed = Bed::new(1);
    bed.lease(0, 1, 0..2);
    bed.lease(0, 1, 0..2);
    assert_eq!(bed.agent.units_held(), 2);
    let mut newer = lease(9, &bed.job, 1..2);
    newer.units[0].attempt = 2;
    bed.message(0, ToNode::Lease(newer));
    assert_eq!(bed.agent.units_held(), 2);
    assert_eq!(bed.agent.lease_ids(), [1, 9]);
    bed.take();
    bed.message(0, ToNode::Cancel(Cancel { job: bed.job.clone(), units: vec![(key(1), 1)] }));
    assert_eq!(bed.agent.units_held(), 2, "a stale cancel changes nothing");
    bed.message(0, ToNode::Cancel(Cancel { job: bed.job.clone(), units: vec![(key(1), 2)] }));
    assert_eq!(bed.agent.lease_ids(), [1]);
}

#[test]
fn cancelled_units_end_their_worker_and_give_no_result() {
    let mut bed = Bed::new(1);
    let unit = bed.running(2);
    bed.message(1, ToNode::Cancel(Cancel { job: bed.job.clone(), units: vec![(key(0), 1)] }));
    assert!(bed.has(&Action::Stop { slot: 0 }));
    bed.take();
    let old_life = bed.agent.slots[0].life - 2;
    bed.actions = bed.agent.on_slot(at(2), 0, old_life, vec![SlotEvent::Ended { tag: unit.tag, end: done(1) }]);
    assert_eq!(bed.take(), [], "what an earlier life tells changes nothing");
    bed.slot(3, 0, vec![SlotEvent::Ready]);
    assert_eq!(bed.submitted()[0].unit.key, key(1), "the other unit runs in the next life");
    bed.message(4, ToNode::Cancel(Cancel { job: bed.job.clone(), units: vec![] }));
    assert_eq!((bed.agent.units_held(), bed.agent.lease_ids().len()), (0, 0));
}

#[test]
fn results_are_sent_again_after_a_reconnection() {
    let mut bed = Bed::new(1);
    let unit = bed.running(1);
    bed.actions = bed.agent.on_offline(at(2), "gone".into());
    bed.slot(5, 0, vec![SlotEvent::Ended { tag: unit.tag, end: done(100) }]);
    assert_eq!(bed.frames().len(), 1, "spooled also while offline");
    assert_eq!(bed.agent.lease_ids(), [1]);
    bed.take();
    bed.online(9, &[]);
    assert!(bed.has(&Action::Resend));
    assert_eq!(bed.status().unwrap().leases, [1]);
}

#[test]
fn leases_that_the_server_does_not_know_are_dropped() {
    let mut bed = Bed::new(1);
    bed.running(3);
    bed.actions = bed.agent.on_offline(at(2), "gone".into());
    bed.take();
    bed.online(9, &[1]);
    assert!(bed.has(&Action::Stop { slot: 0 }));
    assert_eq!(bed.agent.units_held(), 0);
    assert_eq!(bed.status().unwrap().units_held, 0);
}

#[test]
fn a_pause_stops_workers_and_starts_nothing() {
    let mut bed = Bed::new(2);
    let unit = bed.running(1);
    bed.actions = bed.agent.on_owner_command(at(1), OwnerCommand::Pause { reason: "by its owner".into() });
    assert!(bed.has(&Action::PauseWorkers));
    assert_eq!(bed.status().unwrap().state, NodeState::Paused { reason: "by its owner".into() });
    assert_eq!(bed.status().unwrap().leases, [1], "paused leases are renewed");
    bed.take();
    bed.lease(2, 2, 5..6);
    assert_eq!(bed.take(), [], "a lease is kept, but not begun");
    bed.actions = bed.agent.on_owner_command(at(3), OwnerCommand::Resume);
    assert!(bed.has(&Action::ResumeWorkers));
    assert!(bed.actions.iter().any(|action| matches!(action, Action::Start { slot: 1, .. })));
    bed.slot(4, 0, vec![SlotEvent::Ended { tag: unit.tag, end: done(9) }]);
    assert_eq!(bed.submitted().len(), 1);
}

#[test]
fn unsigned_jobs_are_declined_with_the_reason() {
    let mut bed = Bed::new(1);
    let mut bad = grant(true);
    bad.manifest.authored.bytes.push(0);
    let job = bad.job.clone();
    bed.message(0, ToNode::Job(Box::new(bad)));
    assert!(!bed.actions.iter().any(|action| matches!(action, Action::Prepare(_))), "not even fetched");
    bed.message(0, ToNode::Lease(lease(3, &job, 0..2)));
    let (units, reason) = bed.declined().remove(0);
    assert_eq!(units.len(), 2);
    assert!(reason.contains("signature"), "{reason}");
    assert_eq!(bed.agent.lease_ids(), [0u64; 0]);
}

#[test]
fn unknown_jobs_strangers_and_too_much_work_are_declined() {
    let mut bed = Bed::new(1);
    bed.message(0, ToNode::Lease(lease(3, &JobId::random(), 0..1)));
    assert!(bed.declined()[0].1.contains("not announced"));
    bed.take();
    bed.agent.setup.policy.takes_strangers = false;
    let stranger = grant(false);
    bed.message(0, ToNode::Job(Box::new(stranger.clone())));
    assert_eq!(bed.take(), [], "nothing is fetched for a stranger");
    bed.message(0, ToNode::Lease(lease(4, &stranger.job, 0..1)));
    assert!(bed.declined()[0].1.contains("owner"));
    bed.take();
    for id in 0..UNITS_MAX as u64 / 1_000 {
        bed.lease(0, 100 + id, id * 1_000..(id + 1) * 1_000);
    }
    assert!(bed.declined().is_empty());
    bed.lease(0, 999, 900_000..900_001);
    assert!(bed.declined()[0].1.contains("already"));
}

#[test]
fn a_module_that_cannot_be_prepared_gives_its_units_back() {
    let mut bed = Bed::new(1);
    let other = grant(true);
    bed.message(0, ToNode::Job(Box::new(other.clone())));
    bed.message(0, ToNode::Lease(lease(3, &other.job, 0..2)));
    bed.take();
    let failed = Err(PrepareError::Host("disk full".into()));
    bed.actions = bed.agent.on_prepared(at(1), &other.job, failed);
    assert_eq!(bed.declined(), [(vec![(key(0), 1), (key(1), 1)], "disk full".to_owned())]);
    bed.take();
    bed.message(2, ToNode::Lease(lease(4, &other.job, 0..1)));
    assert_eq!(bed.declined().len(), 1, "not at once again");
    bed.take();
    bed.message(20_000, ToNode::Lease(lease(5, &other.job, 0..1)));
    assert!(bed.actions.iter().any(|action| matches!(action, Action::Prepare(_))), "but later");
}

#[test]
fn a_dead_worker_costs_the_unit_that_ran() {
    let mut bed = Bed::new(1);
    let unit = bed.running(3);
    bed.slot(1, 0, vec![SlotEvent::Ended { tag: unit.tag, end: done(60_000_000) }]);
    let queued = bed.submitted();
    assert_eq!(queued.len(), 2);
    bed.take();
    bed.slot(2, 0, vec![SlotEvent::Started { tag: queued[0].tag }, SlotEvent::Died { reason: "killed".into() }]);
    bed.slot(3, 0, vec![SlotEvent::Ready]);
    assert_eq!(bed.submitted()[0].unit.key, key(2), "the unit behind it runs again");
    bed.actions.extend(bed.agent.on_tick(at(30)));
    let results: Vec<_> = bed.frames().into_iter().flat_map(|frame| frame.results).collect();
    assert_eq!(results.len(), 2);
    assert!(matches!(&results[1].outcome, Outcome::HostFault { message } if message.contains("killed")));
}

#[test]
fn workers_that_cannot_start_give_the_job_back() {
    let mut bed = Bed::new(1);
    bed.lease(0, 1, 0..2);
    for ms in 0..3 {
        bed.slot(ms, 0, vec![SlotEvent::StartFailed { reason: "no sandbox".into() }]);
    }
    let (units, reason) = bed.declined().remove(0);
    assert_eq!(units.len(), 2);
    assert!(reason.contains("no sandbox"));
    assert_eq!(bed.agent.units_held(), 0);
}

#[test]
fn large_outputs_are_reported_after_their_upload() {
    let mut bed = Bed::new(1);
    let unit = bed.running(1);
    let digest = fallow_protocol::Digest::of(b"large");
    let end = super::io::End { output: Some(Output::Blob { digest, len: 5_000 }), ..done(100) };
    bed.slot(1, 0, vec![SlotEvent::Ended { tag: unit.tag, end }]);
    assert!(bed.frames().is_empty());
    let Some(Action::Upload(parked)) = bed.take().into_iter().find(|action| matches!(action, Action::Upload(_))) else {
        panic!("no upload")
    };
    assert_eq!(bed.agent.lease_ids(), [1]);
    bed.actions = bed.agent.on_uploaded(at(2), parked.clone(), Uploaded::Done, false);
    assert_eq!(bed.frames()[0].results[0].output, Some(Output::Blob { digest, len: 5_000 }));
    let unparked = Action::Unpark { parked: Box::new(parked.clone()), keep: false };
    assert!(bed.take().contains(&unparked));
    bed.actions = bed.agent.on_uploaded(at(3), parked, Uploaded::Done, false);
    assert_eq!(bed.take(), [unparked], "once is enough");
}

#[test]
fn outputs_that_units_will_read_stay_here() {
    let kept = |merges: bool, stage: u16, outcome: Uploaded| {
        let (mut agent, mut grant) = (agent(1), grant(true));
        grant.exports.merge = merges;
        agent.on_message(at(0), ToNode::Job(Box::new(grant.clone())));
        let mut result = super::samples::result(0, 1);
        result.key.stage = stage;
        let parked = Parked { job: grant.job, lease: 1, result };
        let actions = agent.on_uploaded(at(1), parked, outcome, false);
        actions.iter().any(|action| matches!(action, Action::Unpark { keep: true, .. }))
    };
    assert!(kept(false, 0, Uploaded::Done), "a split's output has the units' inputs");
    assert!(kept(true, 1, Uploaded::Done), "a merge reads it");
    assert!(!kept(false, 1, Uploaded::Done), "only the author reads it");
    assert!(!kept(true, 1, Uploaded::Refused("too large".into())));
}

#[test]
fn inputs_come_while_the_module_is_compiled() {
    let (mut agent, grant) = (agent(2), grant(true));
    agent.on_message(at(0), ToNode::Job(Box::new(grant.clone())));
    let mut units = lease(1, &grant.job, 0..4);
    let range = Range { blob: Digest::of(b"input"), offset: 0, len: 5_000 };
    for unit in &mut units.units[1..] {
        unit.input = Input::Ranges(vec![range]);
    }
    let fetched = |actions: Vec<Action>| -> Vec<u64> {
        let ahead = actions.into_iter().filter_map(|action| match action {
            Action::Prefetch(unit) => Some(unit.key.seq),
            _ => None,
        });
        ahead.collect()
    };
    let actions = agent.on_message(at(0), ToNode::Lease(units.clone()));
    assert_eq!(fetched(actions), [1], "as many units as run at once, and none whose input came with it");
    agent.on_prepared(at(1), &grant.job, Ok(()));
    for unit in &mut units.units {
        unit.attempt = 2;
    }
    assert_eq!(fetched(agent.on_message(at(2), ToNode::Lease(units))), [0u64; 0], "its worker fetches it at once");
}

#[test]
fn parts_of_a_merge_are_fetched_ahead() {
    let (mut agent, grant) = (agent(1), grant(true));
    let part = (Digest::of(b"part"), 5_000);
    let hear = |agent: &mut Agent, job: &JobGrant, parts: usize| {
        let with_parts = JobGrant { parts: vec![part; parts], ..job.clone() };
        agent.on_message(at(0), ToNode::Job(Box::new(with_parts)))
    };
    let first = hear(&mut agent, &grant, 0);
    assert!(matches!(&first[..], [Action::Prepare(_)]), "{first:?}");
    assert_eq!(hear(&mut agent, &grant, 2), [Action::Gather(vec![part; 2])], "the job is known");
    assert_eq!(hear(&mut agent, &grant, 257), [], "no merge has so many");
    agent.on_owner_command(at(1), OwnerCommand::Pause { reason: "no".into() });
    assert_eq!(hear(&mut agent, &grant, 1), []);
    let mut unsigned = super::samples::grant(true);
    unsigned.limits.fuel += 1;
    assert_eq!(hear(&mut agent, &unsigned, 1), []);
}

#[test]
fn what_an_earlier_run_left_is_reported() {
    let mut agent = agent(1);
    let result = super::samples::result(4, 1);
    let parked = Parked { job: JobId::random(), lease: 8, result };
    agent.restore(vec![(41, vec![(7, 3)])], std::slice::from_ref(&parked));
    assert_eq!(agent.lease_ids(), [7, 8]);
    let refused = Uploaded::Refused("too large".into());
    let actions = agent.on_uploaded(at(1), parked, refused, true);
    let Some(Action::Frame { frame, leases }) = actions.iter().find(|action| matches!(action, Action::Frame { .. }))
    else {
        panic!("no frame")
    };
    assert_eq!((frame.frame, leases.as_slice()), (42, [(8, 1)].as_slice()));
    assert!(matches!(frame.results[0].outcome, Outcome::HostFault { .. }));
    agent.on_message(at(2), ToNode::Committed { frame: 41 });
    assert_eq!(agent.lease_ids(), [8]);
}

#[test]
fn checkpoints_are_thinned_out() {
    let mut bed = Bed::new(1);
    let unit = bed.running(1);
    let checkpoint = |fuel| SlotEvent::Checkpoint { tag: unit.tag, state: vec![1], fuel };
    bed.slot(100, 0, vec![checkpoint(1)]);
    assert_eq!(bed.take(), [], "the first only after the interval");
    bed.slot(200, 0, vec![checkpoint(2)]);
    assert_eq!(bed.agent.due_ms(), Some(500));
    bed.actions = bed.agent.on_tick(at(500));
    let sent = |actions: Vec<Action>| -> Vec<u64> {
        let fuels = actions.into_iter().filter_map(|action| match action {
            Action::Checkpoint(upload) => Some(upload.fuel),
            _ => None,
        });
        fuels.collect()
    };
    assert_eq!(sent(bed.take()), [2], "the newest");
    bed.slot(600, 0, vec![checkpoint(3)]);
    assert_eq!(sent(bed.take()), [0u64; 0]);
    bed.slot(1_000, 0, vec![checkpoint(4)]);
    assert_eq!(sent(bed.take()), [4]);
}

#[test]
fn draining_gives_back_what_has_not_begun_and_leaves_with_the_last_commit() {
    let mut bed = Bed::new(1);
    let unit = bed.running(5);
    bed.actions = bed.agent.on_owner_command(at(1), OwnerCommand::Drain);
    assert_eq!(bed.declined()[0].0.len(), 4);
    assert_eq!(bed.status().unwrap().state, NodeState::Draining);
    assert!(!bed.has(&Action::Exit));
    bed.take();
    bed.lease(2, 2, 90..91);
    assert_eq!(bed.declined()[0].0, [(key(90), 1)]);
    bed.take();
    bed.slot(3, 0, vec![SlotEvent::Ended { tag: unit.tag, end: done(9) }]);
    assert_eq!(bed.frames().len(), 1);
    assert!(!bed.has(&Action::Exit));
    bed.message(4, ToNode::Committed { frame: 1 });
    assert!(bed.has(&Action::Exit));
}

#[test]
fn draining_does_not_wait_for_long_units() {
    let mut bed = Bed::new(1);
    bed.running(1);
    bed.actions = bed.agent.on_owner_command(at(1), OwnerCommand::Drain);
    bed.take();
    let due = bed.agent.due_ms().unwrap();
    bed.actions = bed.agent.on_tick(at(due.max(1_501)));
    assert_eq!(bed.declined()[0].0, [(key(0), 1)]);
    assert!(bed.has(&Action::Stop { slot: 0 }) && bed.has(&Action::Exit));
}

#[test]
fn two_jobs_share_the_slots() {
    let mut bed = Bed::new(2);
    bed.lease(0, 1, 0..100);
    bed.slot(0, 0, vec![SlotEvent::Ready]);
    bed.slot(0, 1, vec![SlotEvent::Ready]);
    let first = bed.submitted();
    bed.take();
    let other = grant(true);
    bed.message(1, ToNode::Job(Box::new(other.clone())));
    bed.actions.extend(bed.agent.on_prepared(at(1), &other.job, Ok(())));
    bed.message(1, ToNode::Lease(lease(2, &other.job, 0..100)));
    bed.take();
    bed.slot(2, 0, vec![SlotEvent::Ended { tag: first[0].tag, end: done(50_000_000) }]);
    let starts: Vec<_> = bed
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Start { slot, job, .. } => Some((*slot, job.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(starts, [(0, other.job.clone())], "the other job gets the first slot that is free");
}

#[test]
fn units_start_only_where_their_memory_fits() {
    let mut bed = Bed::new(4);
    bed.agent.setup.policy.memory_bytes = bed.grant.limits.memory_bytes * 2;
    bed.lease(0, 1, 0..100);
    let starts = bed.actions.iter().filter(|action| matches!(action, Action::Start { .. })).count();
    assert_eq!(starts, 2);
}

#[test]
fn heartbeats_come_in_time() {
    let mut bed = Bed::new(1);
    assert_eq!(bed.agent.due_ms(), Some(1_000));
    bed.actions = bed.agent.on_tick(at(1_000));
    assert!(bed.status().is_some());
    assert_eq!(bed.agent.due_ms(), Some(2_000));
}

#[test]
fn a_suspended_job_stops_and_is_refused_until_it_is_said_again() {
    let mut bed = Bed::new(1);
    bed.running(3);
    let reason = "it mines coins".to_owned();
    bed.message(1, ToNode::Suspended { job: bed.job.clone(), reason: reason.clone() });
    assert!(bed.has(&Action::Stop { slot: 0 }), "{:?}", bed.actions);
    assert!(bed.has(&Action::Tell(Event::Suspended { job: bed.job.clone(), reason })), "{:?}", bed.actions);
    assert!(bed.declined().is_empty(), "the grid knows");
    bed.take();
    bed.lease(2, 2, 3..4);
    assert!(bed.declined()[0].1.contains("it mines coins"), "{:?}", bed.actions);
    bed.take();
    bed.message(3, ToNode::Job(Box::new(bed.grant.clone())));
    assert!(bed.take().iter().any(|action| matches!(action, Action::Prepare(_))));
    bed.actions = bed.agent.on_prepared(at(3), &bed.job.clone(), Ok(()));
    bed.lease(4, 3, 0..1);
    assert!(bed.take().iter().any(|action| matches!(action, Action::Start { .. })), "it goes on");
}

#[test]
fn units_stand_still_once_leases_have_ended_without_contact() {
    let mut bed = Bed::new(1);
    bed.running(2);
    bed.actions = bed.agent.on_offline(at(100), "gone".into());
    bed.take();
    bed.actions = bed.agent.on_offline(at(4_000), "still gone".into());
    assert_eq!(bed.agent.due_ms(), Some(5_100), "a lease's time after the connection was lost");
    bed.actions = bed.agent.on_tick(at(5_099));
    assert!(!bed.has(&Action::PauseWorkers));
    bed.actions = bed.agent.on_tick(at(5_100));
    assert_eq!(bed.take(), [Action::PauseWorkers, Action::Tell(Event::OutOfContact)]);
    assert_eq!(bed.agent.on_tick(at(60_000)), [], "said once");
    bed.online(61_000, &[]);
    assert!(bed.has(&Action::ResumeWorkers));
    bed.take();
    bed.actions = bed.agent.on_owner_command(at(62_000), OwnerCommand::Pause { reason: "by its owner".into() });
    bed.actions = bed.agent.on_offline(at(62_000), "gone".into());
    bed.actions = bed.agent.on_tick(at(70_000));
    bed.take();
    bed.online(71_000, &[]);
    assert!(!bed.has(&Action::ResumeWorkers), "the owner's pause lasts");
}
