//! Blobs and uploads on a real disk.

use std::time::Duration;

use super::uploads::{Owner, UploadError};
use super::*;

async fn store() -> (tempfile::TempDir, BlobStore) {
    let data = tempfile::tempdir().unwrap();
    let store = BlobStore::open_in(data.path()).await.unwrap();
    (data, store)
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 % 253) as u8).collect()
}

#[tokio::test]
async fn what_is_put_can_be_read_with_its_blocks() {
    let (_data, store) = store().await;
    for len in [0, 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES] {
        let content = bytes(len);
        let digest = store.put_bytes(&content).await.unwrap();
        assert_eq!(store.put_bytes(&content).await.unwrap(), digest, "putting twice is harmless");
        assert_eq!(fs::read(store.path(&digest)).await.unwrap(), content);
        let list: BlockList = wire::decode(&store.block_list(&digest).await.unwrap(), 1 << 20).unwrap();
        assert_eq!(list, BlockList::of(&content));
        store.remove(&digest).await.unwrap();
        assert!(!store.contains(&digest).await.unwrap());
        assert!(!store.blocks_path(&digest).exists());
    }
}

#[tokio::test]
async fn every_blob_finds_its_folder_and_those_of_a_second_start() {
    let (data, store) = store().await;
    for first in 0..=u8::MAX {
        assert!(data.path().join(format!("blobs/{first:02x}")).is_dir());
    }
    let digests: Vec<Digest> = futures_util::future::join_all((0..40u8).map(|n| {
        let store = store.clone();
        async move { store.put_bytes(&[n / 2; 100]).await.unwrap() }
    }))
    .await;
    let again = BlobStore::open_in(data.path()).await.unwrap();
    for digest in digests {
        assert_eq!(again.len(&digest).await.unwrap(), 100, "two at once leave one whole blob");
    }
}

#[tokio::test]
async fn a_dropped_writer_leaves_nothing() {
    let (data, store) = store().await;
    let mut writer = store.writer().await.unwrap();
    writer.write(&bytes(BUFFER_BYTES * 2)).await.unwrap();
    drop(writer);
    assert_eq!(std::fs::read_dir(data.path().join("blobs/half")).unwrap().count(), 0);
}

#[tokio::test]
async fn an_upload_goes_on_where_it_broke_off() {
    let (_data, store) = store().await;
    let content = bytes(BLOCK_BYTES * 2 + 10);
    let (digest, total) = (Digest::of(&content), content.len() as u64);
    let owner = Owner::Account(1);
    let mut upload = store.uploads().begin(owner, &digest, 0, total, 4).await.unwrap();
    upload.append(content[..1000].to_vec().into()).await.unwrap();
    let busy = store.uploads().begin(owner, &digest, 0, total, 4).await;
    assert!(matches!(busy, Err(UploadError::Busy)));
    assert_eq!(upload.keep().await.unwrap(), 1000);

    // A new process knows only the files.
    let wrong = store.uploads().begin(owner, &digest, 999, total, 4).await;
    assert!(matches!(wrong, Err(UploadError::Offset { received: 1000 })));
    let mut upload = store.uploads().begin(owner, &digest, 1000, total, 4).await.unwrap();
    upload.append(content[1000..].to_vec().into()).await.unwrap();
    assert!(upload.is_whole());
    assert_eq!(upload.complete(&store).await.unwrap(), total);
    assert_eq!(fs::read(store.path(&digest)).await.unwrap(), content);
    let list: BlockList = wire::decode(&store.block_list(&digest).await.unwrap(), 1 << 20).unwrap();
    assert_eq!(list, BlockList::of(&content));
    assert_eq!(store.uploads().received(owner, &digest).await.unwrap(), 0);
}

#[tokio::test]
async fn wrong_bytes_are_dropped_and_too_many_refused() {
    let (_data, store) = store().await;
    let owner = Owner::Node(7);
    let digest = Digest::of(b"right");
    for first in [&b""[..], b"wr"] {
        let mut upload = store.uploads().begin(owner, &digest, 0, 5, 4).await.unwrap();
        upload.append(first.to_vec().into()).await.unwrap();
        upload.keep().await.unwrap();
        let mut upload = store.uploads().begin(owner, &digest, first.len() as u64, 5, 4).await.unwrap();
        upload.append(b"wrong"[first.len()..].to_vec().into()).await.unwrap();
        assert!(matches!(upload.complete(&store).await, Err(UploadError::Mismatch { .. })));
        assert_eq!(store.uploads().received(owner, &digest).await.unwrap(), 0);
        assert!(!store.contains(&digest).await.unwrap());
    }
    let mut upload = store.uploads().begin(owner, &digest, 0, 5, 4).await.unwrap();
    assert!(matches!(upload.append(b"right!".to_vec().into()).await, Err(UploadError::Overrun(5))));
}

/// The first bytes of an upload without a digest, kept.
async fn begun(store: &BlobStore, owner: Owner, name: &Digest, first: &[u8]) {
    let mut upload = store.uploads().begin(owner, name, 0, first.len() as u64, 4).await.unwrap();
    upload.append(first.to_vec().into()).await.unwrap();
    assert_eq!(upload.keep().await.unwrap(), first.len() as u64);
}

#[tokio::test]
async fn an_upload_gets_its_digest_later() {
    let (data, store) = store().await;
    let content = bytes(BLOCK_BYTES * 3 + 10);
    let (name, digest, total) = (Digest([7; 32]), Digest::of(&content), content.len() as u64);
    let (owner, uploads) = (Owner::Node(1), store.uploads());
    // What was hashed is remembered; a server that was started again reads the file.
    for restarted in [false, true] {
        begun(&store, owner, &name, &content[..300_000]).await;
        let again = BlobStore::open_in(data.path()).await.unwrap();
        let store = if restarted { &again } else { &store };
        let mut upload = store.uploads().begin(owner, &name, 300_000, 400_000, 4).await.unwrap();
        let busy = store.uploads().name(owner, &name, &digest).await;
        assert!(matches!(busy, Err(UploadError::Busy)), "a piece is still on its way");
        upload.append(content[300_000..400_000].to_vec().into()).await.unwrap();
        upload.keep().await.unwrap();
        store.uploads().name(owner, &name, &digest).await.unwrap();
        assert_eq!(store.uploads().received(owner, &name).await.unwrap(), 0);
        let mut upload = store.uploads().begin(owner, &digest, 400_000, total, 4).await.unwrap();
        upload.append(content[400_000..].to_vec().into()).await.unwrap();
        assert_eq!(upload.complete(store).await.unwrap(), total);
        assert_eq!(fs::read(store.path(&digest)).await.unwrap(), content);
        let list: BlockList = wire::decode(&store.block_list(&digest).await.unwrap(), 1 << 20).unwrap();
        assert_eq!(list, BlockList::of(&content));
        store.remove(&digest).await.unwrap();
    }
    uploads.name(owner, &name, &digest).await.unwrap();
    assert_eq!(uploads.received(owner, &digest).await.unwrap(), 0, "naming what is not there does nothing");
}

#[tokio::test]
async fn an_upload_with_the_wrong_digest_or_without_one_is_dropped() {
    let (_data, store) = store().await;
    let (name, digest, owner) = (Digest([7; 32]), Digest::of(b"right"), Owner::Node(1));
    begun(&store, owner, &name, b"wro").await;
    store.uploads().name(Owner::Node(2), &name, &digest).await.unwrap();
    assert_eq!(store.uploads().received(Owner::Node(2), &digest).await.unwrap(), 0, "another node's is not there");
    store.uploads().name(owner, &name, &digest).await.unwrap();
    let mut upload = store.uploads().begin(owner, &digest, 3, 5, 4).await.unwrap();
    upload.append(b"ng".to_vec().into()).await.unwrap();
    assert!(matches!(upload.complete(&store).await, Err(UploadError::Mismatch { .. })));
    assert_eq!(store.uploads().received(owner, &digest).await.unwrap(), 0);

    begun(&store, owner, &name, b"half").await;
    let upload = store.uploads().begin(owner, &name, 4, 9, 4).await.unwrap();
    assert!(matches!(store.uploads().remove(owner, &name).await, Err(UploadError::Busy)));
    drop(upload);
    for _ in 0..2 {
        store.uploads().remove(owner, &name).await.unwrap();
        assert_eq!(store.uploads().received(owner, &name).await.unwrap(), 0);
    }
    begun(&store, owner, &name, b"begun").await;
}

#[tokio::test]
async fn unfinished_uploads_are_limited_and_swept() {
    let (_data, store) = store().await;
    for n in 0..3u8 {
        let begun = store.uploads().begin(Owner::Account(1), &Digest::of(&[n]), 0, 10, 2).await;
        assert_eq!(begun.is_err(), n == 2, "the third of two");
        if let Ok(upload) = begun {
            upload.keep().await.unwrap();
        }
    }
    assert!(store.uploads().begin(Owner::Account(2), &Digest::of(b"x"), 0, 10, 2).await.is_ok());
    assert_eq!(store.uploads().sweep(Duration::from_secs(3600)).await.unwrap(), 0);
    assert_eq!(store.uploads().sweep(Duration::ZERO).await.unwrap(), 3);
    assert!(store.uploads().begin(Owner::Account(1), &Digest::of(b"x"), 0, 10, 2).await.is_ok());
}
