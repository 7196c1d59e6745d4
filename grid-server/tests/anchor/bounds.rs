//! What the server's own worker does not do, and what it says then.

use fallow_protocol::SecretKey;
use fallow_protocol::keys::Purpose;
use fallow_protocol::manifest::{AuthoredManifest, Limits, Manifest};
use fallow_protocol::outcome::Outcome;
use fallow_protocol::unit::{Input, Range};
use grid_server::anchor::{AnchorError, AnchorUnit};

use crate::rig::{Rig, work};

const MIB: u64 = 1 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_that_needs_more_than_the_server_gives_is_not_judged() {
    let rig = Rig::start(|config| {
        let unit = &mut config.anchor.unit;
        (unit.memory_bytes, unit.wall_ms, unit.output_bytes, unit.scratch_bytes) = (16 * MIB, 2_000, MIB, 0);
    })
    .await;
    let (app, wide) = (rig.app(), Limits { fuel: 1_000_000_000_000_000, ..Limits::default() });
    let cases = [
        ("alloc", wide, "memory_bytes"),
        ("loop", wide, "wall_ms"),
        ("output:2000000", wide, "output_bytes"),
        ("ok", Limits { scratch_bytes: MIB, ..wide }, "scratch_bytes"),
    ];
    for (line, limits, wanted) in cases {
        let told = app.anchor.run(app, rig.fault(line, limits).await).await;
        let Err(AnchorError::TooLarge { limit, .. }) = told else { panic!("{line}: {told:?}") };
        assert_eq!(limit, wanted, "{line}");
    }
    // Allowed the same, but content with less.
    let unit = rig.fault("ok:small", wide).await;
    let small = app.anchor.run(app, unit).await.unwrap();
    assert_eq!(small.outcome, Outcome::Done);
    // The unit's own limits are what they are everywhere.
    let own = app.anchor.run(app, rig.fault("loop", Limits { wall_ms: 500, ..wide }).await).await.unwrap();
    assert_eq!((own.outcome, own.output), (Outcome::TimeLimit, None));
    let own = app.anchor.run(app, rig.fault("alloc", Limits { memory_bytes: 8 * MIB, ..wide }).await).await.unwrap();
    assert_eq!(own.outcome.label(), "memory limit");
    let text = app.metrics.text().unwrap();
    assert!(text.contains("fallow_anchor_units_total{outcome=\"none\"} 4"), "{text}");
    assert!(text.contains("fallow_anchor_units_total{outcome=\"time limit\"} 1"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_any_more_is_said() {
    let rig = Rig::start(|_| {}).await;
    let app = rig.app();
    let line = format!("ok:{}", "here ".repeat(1_000));
    let unit = rig.fault(&line, Limits::default()).await;
    let Input::Ranges(ranges) = &unit.input else { panic!("lines of a file are ranges: {:?}", unit.input) };
    let Range { blob, len, .. } = ranges[0];
    let beyond = Input::Ranges(vec![Range { blob, offset: 1, len }]);
    let beyond = app.anchor.run(app, AnchorUnit { input: beyond, ..unit.clone() }).await;
    assert!(matches!(beyond, Err(AnchorError::Missing(missing)) if missing == blob), "{beyond:?}");
    assert!(app.anchor.run(app, unit.clone()).await.is_ok());
    app.blobs.remove(&blob).await.unwrap();
    let gone = app.anchor.run(app, unit.clone()).await;
    assert!(matches!(gone, Err(AnchorError::Missing(missing)) if missing == blob), "{gone:?}");
    let old = rig.submit(&rig.faults("ok", Limits::default()).await).await.1;
    for (job, seq) in [(old, 1), (old + 1, 0)] {
        let none = AnchorUnit::load(app, job, work(seq)).await;
        assert!(matches!(none, Err(AnchorError::Unknown { .. })), "{none:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_unsigned_and_nothing_of_another_profile_runs() {
    let rig = Rig::start(|_| {}).await;
    let (app, unit) = (rig.app(), rig.fault("ok", Limits::default()).await);
    let signed = unit.job.module.signed.authored.clone();
    let manifest = unit.job.module.manifest().unwrap();
    let stranger = SecretKey::generate();
    let other = Manifest { profile: "fuel=other".into(), author: stranger.public(), ..manifest };
    let forged = AuthoredManifest { author_signature: stranger.sign(Purpose::AuthorManifest, b"else"), ..signed };
    for (authored, words) in [(AuthoredManifest::sign(&other, &stranger), "fuel=other"), (forged, "signature")] {
        let mut unit = unit.clone();
        unit.job.module.signed.authored = authored;
        let told = app.anchor.run(app, unit).await;
        assert!(matches!(&told, Err(AnchorError::Module(why)) if why.contains(words)), "{told:?}");
    }
    assert!(app.anchor.run(app, unit).await.is_ok());
}
