//! Modules that are refused before anything looks into their component.

use data_encoding::BASE64;
use fallow_protocol::api::{NewAuthorKey, NewModule};
use fallow_protocol::manifest::{AuthoredManifest, Limits, Manifest, PROFILE};
use fallow_protocol::{Digest, SecretKey};
use grid_server::app::now_ms;

use crate::grid::{Grid, problem};

const DAY_MS: u64 = 86_400_000;

fn manifest(author: &SecretKey) -> Manifest {
    let component = Digest::of(b"component");
    Manifest {
        component,
        executed: component,
        source: None,
        limits: Limits::default(),
        profile: PROFILE.into(),
        author: author.public(),
        serial: 1,
        expires_at_ms: now_ms() + 30 * DAY_MS,
    }
}

fn body(manifest: &Manifest, author: &SecretKey) -> NewModule {
    let authored = AuthoredManifest::sign(manifest, author);
    NewModule { manifest: BASE64.encode(&authored.bytes), author_signature: authored.author_signature }
}

#[tokio::test]
async fn a_module_is_checked_before_it_is_opened() {
    let grid = Grid::start().await;
    let (ann, bob) = (grid.account("ann").await, grid.account("bob").await);
    let (author, stranger) = (SecretKey::generate(), SecretKey::generate());
    let right = manifest(&author);
    problem(grid.post("/api/v1/modules", &ann, &body(&right, &author)).await, 403, "unknown-author-key").await;
    let key = NewAuthorKey { key: author.public(), name: "k".into() };
    assert_eq!(grid.post("/api/v1/keys", &ann, &key).await.status(), 201);
    problem(grid.post("/api/v1/modules", &ann, &body(&right, &author)).await, 422, "no-such-component").await;
    problem(grid.post("/api/v1/modules", &bob, &body(&right, &author)).await, 403, "unknown-author-key").await;
    problem(grid.post("/api/v1/modules", &ann, &body(&right, &stranger)).await, 422, "bad-signature").await;

    let garbage = NewModule { manifest: "!".into(), ..body(&right, &author) };
    problem(grid.post("/api/v1/modules", &ann, &garbage).await, 422, "module-refused").await;
    let garbage = NewModule { manifest: BASE64.encode(b"garbage"), ..body(&right, &author) };
    problem(grid.post("/api/v1/modules", &ann, &garbage).await, 422, "module-refused").await;
    let wrong = [
        Manifest { profile: "other".into(), ..right.clone() },
        Manifest { expires_at_ms: now_ms() - 1, ..right.clone() },
        Manifest { expires_at_ms: now_ms() + 1_000 * DAY_MS, ..right.clone() },
        Manifest { executed: Digest::of(b"other"), ..right.clone() },
        Manifest { limits: Limits { fuel: u64::MAX, ..Limits::default() }, ..right.clone() },
    ];
    for manifest in wrong {
        let answer = grid.post("/api/v1/modules", &ann, &body(&manifest, &author)).await;
        problem(answer, 422, "module-refused").await;
    }
}
