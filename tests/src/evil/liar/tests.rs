//! Liars of every kind against honest results, and what the node hears of it.

use fallow_protocol::keys::Purpose;
use fallow_protocol::link::LeaseUnit;
use fallow_protocol::unit::{Call, Input};

use super::*;

fn liar(how: Misbehaviour, name: &str) -> Liar {
    Liar::new(how, NodeId::random(), SecretKey::generate(), name)
}

fn honest(seq: u64) -> UnitResult {
    claim(&(UnitKey { stage: STAGE_RUN, seq }, 1), Output::Inline(b"true".to_vec()), 100)
}

fn frame(liar: &Liar, number: u64, results: Vec<UnitResult>) -> ToServer {
    let job = "job-000000000000".parse().expect("an id");
    let frame = ResultsFrame { node: liar.node.clone(), frame: number, job, profile: PROFILE.into(), results };
    match liar.sign(&frame) {
        Step::ToServer(message) => message,
        other => panic!("{other:?}"),
    }
}

/// The frames among these steps, rightly signed.
fn frames(liar: &Liar, steps: &[Step]) -> Vec<ResultsFrame> {
    let results = steps.iter().filter_map(|step| match step {
        Step::ToServer(ToServer::Results(signed)) => Some(signed),
        _ => None,
    });
    let read = |signed: &SignedResults| {
        liar.key.public().verify(Purpose::Results, &signed.bytes, &signed.signature).expect("rightly signed");
        wire::decode(&signed.bytes, usize::MAX).expect("a frame")
    };
    results.map(read).collect()
}

/// What a liar says of ten honest results.
fn said(how: Misbehaviour, name: &str) -> Vec<UnitResult> {
    let mut liar = liar(how, name);
    let message = frame(&liar, 1, (0..10).map(honest).collect());
    let steps = liar.on_node(message).expect("a frame");
    frames(&liar, &steps).into_iter().flat_map(|frame| frame.results).collect()
}

fn differ(said: &[UnitResult]) -> usize {
    said.iter().zip(0..).filter(|(result, seq)| **result != honest(*seq)).count()
}

#[test]
fn each_lies_as_it_is_told() {
    assert_eq!(differ(&said(Misbehaviour::Honest, "a")), 0);
    assert_eq!(differ(&said(Misbehaviour::Forge { permille: 1_000 }, "a")), 10);
    assert_eq!(differ(&said(Misbehaviour::Sleeper { after: 7 }, "a")), 3);
    assert_eq!(differ(&said(Misbehaviour::Flaky { permille: 1_000 }, "a")), 10);
    assert_eq!(differ(&said(Misbehaviour::Flaky { permille: 0 }, "a")), 0);
    assert!(said(Misbehaviour::Inflate { factor: 3 }, "a").iter().all(|result| result.fuel == 300));
    assert!(said(Misbehaviour::FalseTimeLimit, "a").iter().all(|result| result.outcome == Outcome::TimeLimit));
    assert!(said(Misbehaviour::FalseFailure, "a").iter().all(|result| result.output.is_none()));
}

#[test]
fn only_colluders_say_the_same() {
    let forge = Misbehaviour::Forge { permille: 1_000 };
    assert!(said(forge.clone(), "a").iter().zip(said(forge, "b")).all(|(one, other)| one.output != other.output));
    let collude = Misbehaviour::Collude { secret: 7 };
    assert_eq!(said(collude.clone(), "a"), said(collude, "b"));
    assert_ne!(said(Misbehaviour::Collude { secret: 7 }, "a"), said(Misbehaviour::Collude { secret: 8 }, "a"));
}

#[test]
fn the_node_hears_of_its_own_frames_only() {
    let mut liar = liar(Misbehaviour::Replay, "a");
    let message = frame(&liar, 41, vec![honest(0)]);
    let steps = liar.on_node(message.clone()).expect("a frame");
    let numbers: Vec<u64> = frames(&liar, &steps).iter().map(|frame| frame.frame).collect();
    assert_eq!(numbers, [1, 1, 2, 3]);
    let again = liar.on_node(message).expect("a frame");
    assert_eq!(frames(&liar, &again)[0], frames(&liar, &steps)[0], "a frame told again keeps its number");
    assert_eq!(liar.on_server(ToNode::Committed { frame: 2 }), []);
    assert_eq!(liar.on_server(ToNode::Committed { frame: 1 }), [Step::ToNode(ToNode::Committed { frame: 41 })]);
}

#[test]
fn what_is_refused_is_given_back_and_forgotten_by_the_node() {
    let mut liar = liar(Misbehaviour::RefuseExpensive { fuel: 99 }, "a");
    let message = frame(&liar, 5, vec![honest(0)]);
    let steps = liar.on_node(message).expect("a frame");
    assert!(matches!(&steps[0], Step::ToServer(ToServer::Decline(decline)) if decline.units.len() == 1));
    assert_eq!(steps[1..], [Step::ToNode(ToNode::Committed { frame: 5 })]);
}

#[test]
fn guesses_come_with_the_lease_and_thefts_after_it() {
    let lease = |seq| Lease {
        id: 1,
        job: JobId::random(),
        call: Call::Run,
        units: vec![LeaseUnit {
            key: UnitKey { stage: STAGE_RUN, seq },
            attempt: 1,
            input: Input::Inline(Vec::new()),
            floats: None,
            checkpoint: None,
        }],
    };
    let mut guesser = liar(Misbehaviour::Guess { says: b"42".to_vec(), fuel: 9 }, "a");
    let steps = guesser.on_server(ToNode::Lease(lease(3)));
    let (told, count) = (frames(&guesser, &steps), steps.len());
    assert_eq!((told[0].results[0].key.seq, told[0].results[0].fuel, count), (3, 9, 1));
    let mut thief = liar(Misbehaviour::Steal, "a");
    let steps = thief.on_server(ToNode::Lease(lease(3)));
    assert!(matches!(&steps[..], [Step::ToServer(ToServer::Decline(_))]), "{steps:?}");
    let status = || ToServer::Status(crate::raw_node::status(1, Vec::new(), 0));
    assert_eq!(thief.on_node(status()).expect("a status").len(), 1, "it may hold something still");
    let steps = thief.on_node(status()).expect("a status");
    assert_eq!(frames(&thief, &steps)[0].results.len() as u64, 2 * STOLEN_MAX);
}
