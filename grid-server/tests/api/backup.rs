//! A backup of a running server, brought back into a new folder; damaged ones are refused.

use std::path::Path;

use fallow_protocol::Digest;
use fallow_protocol::api::UploadState;
use grid_server::backup::{backup, restore};
use grid_server::config::Config;
use grid_server::serve;
use reqwest::Method;

use crate::grid::{Grid, read};

async fn put(grid: &Grid, token: &str, bytes: Vec<u8>) -> Digest {
    let digest = Digest::of(&bytes);
    let path = format!("/api/v1/blobs/{digest}?offset=0&len={}", bytes.len());
    let sent = grid.ask(Method::PATCH, &path, token).body(bytes).send().await.unwrap();
    assert!(read::<UploadState>(sent, 200).await.complete);
    digest
}

#[tokio::test]
async fn a_backup_brings_everything_back() {
    let grid = Grid::start().await;
    let token = grid.account("ann").await;
    let (small, large) = (put(&grid, &token, b"small".to_vec()).await, put(&grid, &token, vec![7; 600_000]).await);
    let file = grid.data.path().join("grid.tar");
    let (head, amount) = backup(&grid.running.app.config, &file).await.unwrap();
    assert!(head.root_key && amount.blobs == 2 && amount.bytes == 600_005, "{head:?} {amount:?}");
    assert!(backup(&grid.running.app.config, &file).await.is_err(), "nothing is overwritten");
    grid.account("made after the backup").await;

    let data = grid.data.path().join("restored");
    std::fs::create_dir(&data).unwrap();
    restore(&file, &data).await.unwrap();
    let config = Config { data: data.clone(), listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
    let running = serve::start(config).await.unwrap();
    assert!(running.operator_token.is_none());
    assert_eq!(running.app.keys.cert(), grid.running.app.keys.cert(), "nodes know it again");
    let get = async |path: String| {
        let request = grid.client.get(format!("{}{path}", running.url())).bearer_auth(&token);
        request.send().await.unwrap().bytes().await.unwrap()
    };
    assert_eq!(get(format!("/api/v1/blobs/{small}")).await, "small");
    assert_eq!(get(format!("/api/v1/blobs/{large}")).await, vec![7; 600_000]);
    assert!(
        fallow_protocol::wire::decode::<fallow_protocol::blocks::BlockList>(
            &get(format!("/api/v1/blobs/{large}/blocks")).await,
            1 << 20
        )
        .is_ok_and(|list| list.verify(&large).is_ok())
    );
    let again = restore(&file, &data).await.unwrap_err();
    assert!(again.to_string().contains("not empty"), "{again}");
    running.stop().await;
}

async fn refused(bytes: &[u8], folder: &Path) -> String {
    let (file, data) = (folder.join("damaged.tar"), folder.join("target"));
    std::fs::write(&file, bytes).unwrap();
    let error = format!("{:#}", restore(&file, &data).await.unwrap_err());
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("target")), "nothing is left: {left:?}");
    error
}

#[tokio::test]
async fn damaged_backups_are_refused() {
    let grid = Grid::start().await;
    let content = b"a blob whose bytes can be found in the archive".to_vec();
    let token = grid.account("ann").await;
    put(&grid, &token, content.clone()).await;
    let file = grid.data.path().join("grid.tar");
    backup(&grid.running.app.config, &file).await.unwrap();
    let whole = std::fs::read(&file).unwrap();
    let folder = tempfile::tempdir().unwrap();

    let at = whole.windows(content.len()).rposition(|part| part == content).unwrap();
    let mut flipped = whole.clone();
    flipped[at] ^= 1;
    assert!(refused(&flipped, folder.path()).await.contains("damaged"));
    for cut in [0, 100, 512, 5_000, at - 512, whole.len() - 2_048] {
        refused(&whole[..cut], folder.path()).await;
    }
    refused(b"no archive at all", folder.path()).await;
}

#[tokio::test]
async fn nothing_escapes_from_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let head = br#"{"format":1,"version":"0","created_at_ms":0,"root_key":false}"#;
    for name in ["keys/../../evil", "keys/other", "blobs/ab/evil", "/etc/evil", "evil"] {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, bytes) in [("fallow-backup.json", &head[..]), (name, b"evil")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            // `set_path` refuses such names, an attacker does not.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            archive.append(&header, bytes).unwrap();
        }
        let bytes = archive.into_inner().unwrap();
        assert!(refused(&bytes, folder.path()).await.contains("does not belong"), "{name}");
    }
}

#[tokio::test]
async fn postgres_has_its_own_tools() {
    let folder = tempfile::tempdir().unwrap();
    let database_url = Some(grid_server::config::Secret::new("postgres://u:hunter2@127.0.0.1/d"));
    let config = Config { data: folder.path().to_owned(), database_url, ..Config::default() };
    let error = backup(&config, &folder.path().join("x.tar")).await.unwrap_err().to_string();
    assert!(error.contains("pg_dump") && !error.contains("hunter2"), "{error}");
}
