//! What the owner's rules make the agent do: finish, give back, offer less.

use fallow_protocol::link::OwnerWord;
use fallow_protocol::preferences::Preferences;

use super::*;

fn offer(slots: u32, memory_bytes: u64, give_back_ms: u64) -> OwnerCommand {
    OwnerCommand::Offer { slots, memory_bytes, give_back_ms }
}

#[test]
fn a_long_pause_gives_units_and_memory_back() {
    let mut bed = Bed::new(1);
    bed.running(2);
    let memory = bed.agent.setup.policy.memory_bytes;
    bed.agent.on_owner_command(at(0), offer(1, memory, 60_000));
    bed.actions = bed.agent.on_owner_command(at(10), OwnerCommand::Pause { reason: "by its owner".into() });
    assert!(bed.has(&Action::PauseWorkers) && bed.declined().is_empty());
    assert_eq!(bed.agent.on_owner_command(at(11), OwnerCommand::Pause { reason: "by its owner".into() }), []);
    bed.take();
    bed.actions = bed.agent.on_tick(at(60_009));
    assert!(bed.declined().is_empty());
    assert!(bed.agent.due_ms().unwrap() <= 60_010);
    bed.actions = bed.agent.on_tick(at(60_010));
    assert!(bed.has(&Action::Stop { slot: 0 }));
    assert_eq!(bed.declined(), [(vec![(key(0), 1), (key(1), 1)], "this node is paused".to_owned())]);
    bed.take();
    bed.lease(60_011, 2, 2..3);
    assert_eq!(bed.declined()[0].0, [(key(2), 1)], "what was on its way comes back as well");
    bed.actions = bed.agent.on_owner_command(at(60_012), OwnerCommand::Resume);
    assert!(bed.has(&Action::ResumeWorkers));
}

#[test]
fn numbers_in_a_reason_wait_for_the_heartbeat() {
    let mut bed = Bed::new(1);
    let say = |reason: &str| OwnerCommand::Pause { reason: reason.into() };
    bed.actions = bed.agent.on_owner_command(at(1), say("battery 41 % below 60 %"));
    assert!(bed.status().is_some());
    bed.actions = bed.agent.on_owner_command(at(2), say("battery 40 % below 60 %"));
    assert_eq!(bed.take(), []);
    assert_eq!(bed.agent.state(), NodeState::Paused { reason: "battery 40 % below 60 %".into() });
    bed.actions = bed.agent.on_owner_command(at(3), say("by its owner"));
    assert_eq!(bed.status().unwrap().state, NodeState::Paused { reason: "by its owner".into() });
}

#[test]
fn what_has_begun_ends_before_the_pause() {
    let mut bed = Bed::new(1);
    let unit = bed.running(3);
    bed.actions = bed.agent.on_owner_command(at(1), OwnerCommand::Finish { reason: "by its owner".into() });
    assert_eq!(bed.status().unwrap().state, NodeState::Draining);
    assert!(!bed.has(&Action::PauseWorkers) && !bed.has(&Action::Stop { slot: 0 }));
    let given: Vec<UnitKey> = bed.declined().into_iter().flat_map(|(units, _)| units).map(|(key, _)| key).collect();
    assert_eq!(given, [key(1), key(2)]);
    bed.take();
    bed.lease(2, 2, 3..4);
    assert_eq!(bed.declined().len(), 1, "nothing new is taken");
    bed.take();
    bed.slot(3, 0, vec![SlotEvent::Ended { tag: unit.tag, end: done(100) }]);
    assert_eq!(bed.frames().len(), 1, "its result is reported");
    assert!(bed.has(&Action::PauseWorkers));
    assert_eq!(bed.agent.state(), NodeState::Paused { reason: "by its owner".into() });
    bed.actions = bed.agent.on_owner_command(at(4), OwnerCommand::Resume);
    assert_eq!(bed.agent.state(), NodeState::Active);
}

#[test]
fn a_node_without_work_pauses_at_once_also_when_it_should_finish() {
    let mut bed = Bed::new(1);
    bed.agent.on_owner_command(at(1), OwnerCommand::Finish { reason: "from the portal".into() });
    assert_eq!(bed.agent.state(), NodeState::Paused { reason: "from the portal".into() });
}

#[test]
fn a_smaller_offer_closes_slots_and_frees_memory() {
    let mut bed = Bed::new(2);
    bed.lease(0, 1, 0..4);
    bed.slot(0, 0, vec![SlotEvent::Ready]);
    bed.slot(0, 1, vec![SlotEvent::Ready]);
    let units = bed.submitted();
    bed.take();
    let memory = bed.grant.limits.memory_bytes;
    bed.actions = bed.agent.on_owner_command(at(1), offer(1, 8 << 30, 0));
    assert_eq!(bed.status().unwrap().slots, 1);
    assert!(!bed.has(&Action::Stop { slot: 1 }), "what runs may end");
    bed.take();
    bed.slot(
        2,
        1,
        vec![SlotEvent::Started { tag: units[1].tag }, SlotEvent::Ended { tag: units[1].tag, end: done(9) }],
    );
    assert!(!bed.actions.iter().any(|it| matches!(it, Action::Submit { slot: 1, .. })), "a closed slot begins nothing");
    bed.actions = bed.agent.on_owner_command(at(3), offer(2, memory, 0));
    assert!(bed.has(&Action::Stop { slot: 1 }) && !bed.has(&Action::Stop { slot: 0 }), "two do not fit");
    bed.take();
    bed.actions = bed.agent.on_owner_command(at(4), offer(2, memory - 1, 0));
    assert!(bed.has(&Action::Stop { slot: 0 }));
    assert_eq!(bed.declined().iter().map(|(units, _)| units.len()).sum::<usize>(), 3, "none of the job fits");
    bed.take();
    bed.actions = bed.agent.on_owner_command(at(5), offer(9, 8 << 30, 0));
    assert_eq!(bed.status().unwrap().slots, 2, "there are no more than at the start");
}

#[test]
fn the_grid_hears_the_owners_word_once_a_connection() {
    let mut bed = Bed::new(1);
    let word = OwnerWord { preferences: Preferences { slots: Some(1), ..Preferences::default() }, resumed: None };
    let say = || OwnerCommand::Word(Box::new(word.clone()));
    bed.actions = bed.agent.on_owner_command(at(1), say());
    assert_eq!(bed.status().unwrap().owner.as_deref(), Some(&word));
    bed.actions = bed.agent.on_owner_command(at(2), say());
    assert_eq!(bed.take(), []);
    bed.actions = bed.agent.on_tick(at(5_000));
    assert_eq!(bed.status().unwrap().owner, None, "a heartbeat does not repeat it");
    bed.agent.on_offline(at(5_500), "gone".into());
    bed.online(6_000, &[]);
    assert_eq!(bed.status().unwrap().owner.as_deref(), Some(&word));
}
