//! Making, rotating, exporting, losing and recovering the grid's keys.

use fallow_protocol::Digest;
use fallow_protocol::manifest::{Builds, Limits, Manifest, PROFILE};

use super::*;

const NOW: u64 = 1_700_000_000_000;

fn authored() -> AuthoredManifest {
    let author = SecretKey::generate();
    let manifest = Manifest {
        component: Digest::of(b"c"),
        executed: Builds { plain: Digest::of(b"p"), canonical: Digest::of(b"n") },
        source: None,
        limits: Limits::default(),
        profile: PROFILE.into(),
        author: author.public(),
        serial: 1,
        expires_at_ms: NOW + 1_000 * DAY_MS,
    };
    AuthoredManifest::sign(&manifest, &author)
}

#[test]
fn keys_are_made_once_and_private() {
    let data = tempfile::tempdir().unwrap();
    let keys = GridKeys::open(data.path(), 90, NOW).unwrap();
    let again = GridKeys::open(data.path(), 90, NOW).unwrap();
    assert_eq!(keys.cert(), again.cert());
    assert_eq!(keys.cert().serial, 1);
    #[cfg(unix)]
    for name in [ROOT, ONLINE] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(data.path().join("keys").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_rotation_raises_the_serial_and_old_signatures_live_on() {
    let data = tempfile::tempdir().unwrap();
    let keys = GridKeys::open(data.path(), 90, NOW).unwrap();
    let before = keys.countersign(authored());
    let cert = rotate(data.path(), None, 90, NOW + DAY_MS).unwrap();
    keys.reload(NOW + DAY_MS).unwrap();
    assert_eq!((cert.serial, keys.cert()), (2, cert.clone()));
    assert_ne!(before.cert.online, cert.online);
    assert!(before.verify(&keys.root(), NOW + 89 * DAY_MS, 1).is_ok());
    assert!(before.verify(&keys.root(), NOW + 90 * DAY_MS, 1).is_err(), "its certificate has ended");
    let fresh = keys.refresh(before);
    assert!(fresh.verify(&keys.root(), NOW + 90 * DAY_MS, 2).is_ok());
}

#[test]
fn a_key_near_its_end_is_renewed_while_the_root_is_here() {
    let data = tempfile::tempdir().unwrap();
    GridKeys::open(data.path(), 90, NOW).unwrap();
    let later = GridKeys::open(data.path(), 90, NOW + 61 * DAY_MS).unwrap();
    assert_eq!(later.cert().serial, 2);
    export_root(data.path(), &data.path().join("usb-stick.key")).unwrap();
    let near = NOW + 140 * DAY_MS;
    assert_eq!(GridKeys::open(data.path(), 90, near).unwrap().cert().serial, 2, "cannot renew, still lives");
    let ended = GridKeys::open(data.path(), 90, NOW + 152 * DAY_MS).unwrap_err();
    assert!(ended.to_string().contains("keys rotate"), "{ended}");
}

#[test]
fn an_exported_root_is_needed_for_the_next_rotation() {
    let data = tempfile::tempdir().unwrap();
    let keys = GridKeys::open(data.path(), 90, NOW).unwrap();
    let file = data.path().join("usb-stick.key");
    assert_eq!(export_root(data.path(), &file).unwrap(), keys.fingerprint());
    assert!(!show(data.path()).unwrap().root_here);
    assert!(matches!(rotate(data.path(), None, 90, NOW), Err(KeysError::NoRoot)));
    assert!(matches!(export_root(data.path(), &data.path().join("other")), Err(KeysError::NoRoot)));
    assert_eq!(rotate(data.path(), Some(&file), 90, NOW).unwrap().serial, 2);

    let other = tempfile::tempdir().unwrap();
    GridKeys::open(other.path(), 90, NOW).unwrap();
    let strange = other.path().join("keys").join(ROOT);
    assert!(matches!(rotate(data.path(), Some(&strange), 90, NOW), Err(KeysError::OtherRoot { .. })));
}

#[test]
fn nothing_is_exported_over_a_file() {
    let data = tempfile::tempdir().unwrap();
    GridKeys::open(data.path(), 90, NOW).unwrap();
    let file = data.path().join("taken");
    std::fs::write(&file, b"precious").unwrap();
    assert!(matches!(export_root(data.path(), &file), Err(KeysError::Exists(_))));
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    assert!(show(data.path()).unwrap().root_here);
}

#[test]
fn a_lost_online_key_is_recovered_and_nodes_accept_it() {
    let data = tempfile::tempdir().unwrap();
    let root = GridKeys::open(data.path(), 90, NOW).unwrap().root();
    let seen = rotate(data.path(), None, 90, NOW).unwrap().serial;
    std::fs::remove_file(data.path().join("keys").join(ONLINE)).unwrap();
    let error = GridKeys::open(data.path(), 90, NOW).unwrap_err();
    assert!(error.to_string().contains("keys recover"), "{error}");
    recover(data.path(), None, 90, NOW).unwrap();
    assert_eq!(GridKeys::open(data.path(), 90, NOW).unwrap().cert().verify(&root, NOW, seen), Ok(()));

    // Everything but the root is gone.
    for name in [ONLINE, CERT, ROOT_PUBLIC] {
        std::fs::remove_file(data.path().join("keys").join(name)).unwrap();
    }
    recover(data.path(), None, 90, NOW).unwrap();
    assert_eq!(GridKeys::open(data.path(), 90, NOW).unwrap().cert().verify(&root, NOW, seen + 1), Ok(()));

    // The folder itself is gone: a grid that nodes know gets no other root.
    let file = data.path().join("root.elsewhere");
    export_root(data.path(), &file).unwrap();
    std::fs::remove_dir_all(data.path().join("keys")).unwrap();
    assert!(matches!(GridKeys::reopen(data.path(), 90, NOW), Err(KeysError::Missing(_))));
    assert!(!data.path().join("keys").exists());
    recover(data.path(), Some(&file), 90, NOW).unwrap();
    assert_eq!(GridKeys::reopen(data.path(), 90, NOW).unwrap().root(), root);
}

/// Copy a data folder's keys as a crash would leave them: only those files, as they are now.
fn crashed(from: &Path, names: &[&str]) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir(data.path().join("keys")).unwrap();
    for name in names {
        std::fs::copy(from.join("keys").join(name), data.path().join("keys").join(name)).unwrap();
    }
    data
}

#[test]
fn a_first_start_that_broke_off_is_finished_by_the_next() {
    let whole = tempfile::tempdir().unwrap();
    let root = GridKeys::open(whole.path(), 90, NOW).unwrap().root();
    let keys = whole.path().join("keys");
    std::fs::copy(keys.join(ONLINE), keys.join(NEXT)).unwrap();
    let stages: [&[&str]; 4] =
        [&[ROOT], &[ROOT, ROOT_PUBLIC], &[ROOT, ROOT_PUBLIC, NEXT], &[ROOT, ROOT_PUBLIC, NEXT, CERT]];
    for names in stages {
        let data = crashed(whole.path(), names);
        let opened = GridKeys::open(data.path(), 90, NOW).unwrap_or_else(|error| panic!("{names:?}: {error}"));
        assert_eq!(opened.root(), root, "{names:?}");
        assert_eq!(opened.cert().verify(&root, NOW, 0), Ok(()), "{names:?}");
        assert!(opened.countersign(authored()).verify(&root, NOW, 0).is_ok(), "{names:?}: key and certificate fit");
        assert_eq!(GridKeys::open(data.path(), 90, NOW).unwrap().cert(), opened.cert(), "and it stays so");
    }
}

#[test]
fn a_rotation_that_broke_off_leaves_the_old_pair_or_the_new_one() {
    let data = tempfile::tempdir().unwrap();
    let keys = data.path().join("keys");
    let old = GridKeys::open(data.path(), 90, NOW).unwrap().cert();
    let old_key = std::fs::read(keys.join(ONLINE)).unwrap();
    let new = rotate(data.path(), None, 90, NOW).unwrap();
    let new_key = std::fs::read(keys.join(ONLINE)).unwrap();

    // After the certificate, before the key has its name.
    std::fs::write(keys.join(ONLINE), &old_key).unwrap();
    std::fs::write(keys.join(NEXT), &new_key).unwrap();
    let file = data.path().join("usb-stick.key");
    export_root(data.path(), &file).unwrap();
    assert_eq!(GridKeys::open(data.path(), 90, NOW).unwrap().cert(), new, "without the root key, too");
    assert!(!keys.join(NEXT).exists());

    // Before the certificate.
    std::fs::write(keys.join(ONLINE), &old_key).unwrap();
    std::fs::write(keys.join(NEXT), &new_key).unwrap();
    std::fs::write(keys.join(CERT), serde_json::to_string(&old).unwrap()).unwrap();
    assert_eq!(GridKeys::open(data.path(), 90, NOW).unwrap().cert(), old);
    assert_eq!(rotate(data.path(), Some(&file), 90, NOW).unwrap().serial, 2, "and the next rotation works");
}

#[test]
fn a_certificate_that_was_lost_is_issued_again_while_the_root_key_is_here() {
    let data = tempfile::tempdir().unwrap();
    let root = GridKeys::open(data.path(), 90, NOW).unwrap().root();
    let seen = rotate(data.path(), None, 90, NOW).unwrap().serial;
    std::fs::remove_file(data.path().join("keys").join(CERT)).unwrap();
    let opened = GridKeys::open(data.path(), 90, NOW).unwrap();
    assert_eq!(opened.cert().verify(&root, NOW, seen), Ok(()), "nodes go on");
    export_root(data.path(), &data.path().join("usb-stick.key")).unwrap();
    std::fs::remove_file(data.path().join("keys").join(CERT)).unwrap();
    let error = GridKeys::open(data.path(), 90, NOW).unwrap_err();
    assert!(error.to_string().contains("keys recover"), "{error}");
}
