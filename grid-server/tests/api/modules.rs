//! Modules: refused before anything looks into their component, refused by the child that looks, and taken.

use data_encoding::BASE64;
use fallow_protocol::api::{ModuleInfo, NewAuthorKey, NewModule, UploadState};
use fallow_protocol::manifest::{AuthoredManifest, Builds, Limits, Manifest, PROFILE};
use fallow_protocol::{Digest, SecretKey};
use grid_server::app::now_ms;
use grid_server::modules::load;
use grid_server::store::accounts;
use reqwest::Method;

use crate::grid::{Grid, problem, read};

const DAY_MS: u64 = 86_400_000;

fn manifest(author: &SecretKey) -> Manifest {
    let component = Digest::of(b"component");
    Manifest {
        component,
        executed: Builds { plain: component, canonical: component },
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
    NewModule { manifest: BASE64.encode(&authored.bytes), author_signature: authored.author_signature, name: None }
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
        Manifest { limits: Limits { fuel: u64::MAX, ..Limits::default() }, ..right.clone() },
    ];
    for manifest in wrong {
        let answer = grid.post("/api/v1/modules", &ann, &body(&manifest, &author)).await;
        problem(answer, 422, "module-refused").await;
    }
}

/// Exports `run`, and nothing that could run.
const RUN: &str = r#"(component
    (core module $m
        (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 0)
        (func (export "run") (param i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (func $run (param "input" (list u8)) (result (result (list u8) (error (list u8))))
        (canon lift (core func $i "run") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
    (instance $r (export "run" (func $run)))
    (export "fallow:task/run@1.0.0" (instance $r)))"#;

async fn upload(grid: &Grid, token: &str, bytes: Vec<u8>) -> Digest {
    let digest = Digest::of(&bytes);
    let path = format!("/api/v1/blobs/{digest}?offset=0&len={}", bytes.len());
    let sent = grid.ask(Method::PATCH, &path, token).body(bytes).send().await.unwrap();
    assert!(read::<UploadState>(sent, 200).await.complete);
    digest
}

#[tokio::test]
async fn a_component_is_looked_at_in_a_child_and_countersigned() {
    let grid = Grid::with(|config| config.worker_exe = Some(env!("CARGO_BIN_EXE_fallow-server").into())).await;
    let token = grid.account("ann").await;
    let author = SecretKey::generate();
    let key = NewAuthorKey { key: author.public(), name: "k".into() };
    assert_eq!(grid.post("/api/v1/keys", &token, &key).await.status(), 201);

    for bad in [wat::parse_str("(component)").unwrap(), wat::parse_str("(module)").unwrap(), b"no wasm".to_vec()] {
        let component = upload(&grid, &token, bad).await;
        let manifest = Manifest { component, ..manifest(&author) };
        problem(grid.post("/api/v1/modules", &token, &body(&manifest, &author)).await, 422, "module-refused").await;
    }

    let bytes = wat::parse_str(RUN).unwrap();
    let executed = fallow_sandbox::instrument::builds(&bytes).unwrap();
    let component = upload(&grid, &token, bytes).await;
    let other = Manifest { component, ..manifest(&author) };
    problem(grid.post("/api/v1/modules", &token, &body(&other, &author)).await, 422, "module-refused").await;
    let manifest = Manifest { component, executed, ..manifest(&author) };
    let new = body(&manifest, &author);
    let info: ModuleInfo = read(grid.post("/api/v1/modules", &token, &new).await, 201).await;
    assert!(info.exports.run && !info.exports.split && !info.known, "{info:?}");
    let again: ModuleInfo = read(grid.post("/api/v1/modules", &token, &new).await, 200).await;
    assert!(again.known && again.module == info.module);

    let app = &grid.running.app;
    let account = accounts::by_name(app.store.reader(), "ann").await.unwrap().unwrap().id;
    let row = load(app, account, &info.module).await.unwrap().expect("kept");
    assert_eq!(row.signed.verify(&app.keys.root(), now_ms(), 1), Ok(manifest));
    assert!(load(app, account + 1, &info.module).await.unwrap().is_none(), "another account's");
    let small = Grid::with(|config| config.limits.component_bytes_max = 10).await;
    let token = small.account("ann").await;
    assert_eq!(small.post("/api/v1/keys", &token, &key).await.status(), 201);
    upload(&small, &token, wat::parse_str(RUN).unwrap()).await;
    let told = problem(small.post("/api/v1/modules", &token, &new).await, 422, "module-refused").await;
    assert!(told.detail.contains("at most 10"), "{told:?}");
}
