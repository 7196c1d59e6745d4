//! Laws of trust, for any history.

use fallow_protocol::Digest;
use proptest::prelude::*;

use super::*;
use crate::ids::{AccountNo, NodeNo};

const HOUR_MS: i64 = 3_600_000;

/// A claim of node and owner `n` that says `value`.
pub(super) fn claim(n: i64, value: u8, standing: Standing) -> ClaimView {
    let digest = Digest([value; 32]);
    ClaimView {
        node: NodeNo(n),
        owner: AccountNo(n),
        network: n as u64,
        standing,
        arch: 1,
        engine: 1,
        digest,
        output: digest,
        resumed: false,
        void: false,
        own: false,
    }
}

/// Something that happens to a node.
#[derive(Clone, Debug)]
enum Event {
    Results(u16),
    Passed { back: u16 },
    Fault { back: u16 },
    Reviewed(bool),
    Later { hours: u16 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (1u16..400).prop_map(Event::Results),
        6 => (0u16..50).prop_map(|back| Event::Passed { back }),
        1 => (0u16..50).prop_map(|back| Event::Fault { back }),
        1 => any::<bool>().prop_map(Event::Reviewed),
        1 => (1u16..500).prop_map(|hours| Event::Later { hours }),
    ]
}

/// A node and its owner after some events, and the time then.
struct Life {
    policy: Policy,
    record: Record,
    owner: OwnerRecord,
    now_ms: i64,
}

impl Life {
    fn new(policy: Policy) -> Self {
        Self { policy, record: Record::default(), owner: OwnerRecord::default(), now_ms: 1_800_000_000_000 }
    }

    fn standing(&self) -> Standing {
        standing(&self.policy, &self.record, &self.owner, self.now_ms)
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Results(results) => {
                for _ in 0..*results {
                    self.record.result(self.now_ms);
                }
                self.owner.result(self.now_ms);
            }
            Event::Passed { back } => self.record.passed(self.record.position.saturating_sub(u64::from(*back))),
            Event::Fault { back } => {
                let position = self.record.position.saturating_sub(u64::from(*back));
                let was_banned = self.record.banned;
                let fault = self.record.fault(&self.policy, position, self.now_ms);
                self.owner.fault(&self.policy, &fault, self.now_ms);
                if fault.sanction == Sanction::Banned && !was_banned {
                    self.owner.node_banned(&self.policy);
                }
            }
            Event::Reviewed(right) => self.record.reviewed(*right),
            Event::Later { hours } => self.now_ms += i64::from(*hours) * HOUR_MS,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn any_history_keeps_the_laws(events in proptest::collection::vec(event(), 0..80), draw in any::<u64>()) {
        let mut life = Life::new(Policy::default());
        for event in events {
            let (before, owner, stood) = (life.record, life.owner, life.standing());
            life.happen(&event);
            let now = &life.record;
            prop_assert!(now.passes <= before.passes || matches!(event, Event::Passed { .. }), "trust rose by {event:?}");
            prop_assert!(now.strikes >= before.strikes && now.position >= before.position);
            prop_assert!(now.banned || !before.banned, "a ban ended");
            prop_assert!(life.owner.banned || !owner.banned, "an owner's ban ended");
            prop_assert!(now.recent.is_sorted());
            let rose = life.standing() == Standing::Trusted && stood == Standing::Probation;
            let by_time = matches!(event, Event::Later { .. });
            prop_assert!(!rose || by_time || matches!(event, Event::Passed { .. }), "trusted after {event:?}");
            if let Event::Fault { .. } = event {
                let struck = now.strikes > before.strikes;
                prop_assert!(!struck || life.standing() != Standing::Trusted);
                prop_assert!(!struck || now.final_position(&life.policy) == 0, "nothing is final right after a fault");
                prop_assert!(struck || now.passes == before.passes);
            }
            let treatment = treat(&life.policy, &Scene::default(), now, &life.owner, draw, life.now_ms);
            let is_checked = matches!(treatment, Treatment::Check { copies: 2.. });
            match life.standing() {
                Standing::Probation => prop_assert!(is_checked),
                Standing::Trusted | Standing::Anchor => prop_assert!(is_checked || treatment == Treatment::Provisional),
                _ => prop_assert_eq!(treatment, Treatment::Refused),
            }
        }
    }
}
