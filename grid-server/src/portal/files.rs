//! The portal's built files, within the executable; a debug build reads them from the disk each time.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::File;

pub(super) const INDEX: &str = "index.html";
/// Smaller files are sent as they are.
const COMPRESS_BYTES_MIN: usize = 1_024;
const COMPRESSED_ALREADY: [&str; 5] = [".png", ".jpg", ".jpeg", ".webp", ".woff2"];

#[derive(RustEmbed)]
#[folder = "../web-portal/dist"]
#[allow_missing = true]
struct Dist;

/// What was compressed, by name and tag: as many as there are files.
static COMPRESSED: Mutex<Option<HashMap<(String, String), Bytes>>> = Mutex::new(None);

/// A file, compressed as the reader accepts it: as the build did it, else here, once.
pub(super) fn get(name: &str, accepts: &str) -> Option<File> {
    let plain = Dist::get(name)?;
    let tag = HEXLOWER.encode(&plain.metadata.sha256_hash()[..16]);
    let takes = |coding: &str| accepts.split(',').any(|word| word.trim().split(';').next() == Some(coding));
    for (coding, ending) in [("br", "br"), ("gzip", "gz")] {
        if let Some(file) = Dist::get(&format!("{name}.{ending}")).filter(|_| takes(coding)) {
            return Some(File { bytes: bytes(file), encoding: Some(coding), tag });
        }
    }
    let small = plain.data.len() < COMPRESS_BYTES_MIN || COMPRESSED_ALREADY.iter().any(|ending| name.ends_with(ending));
    if small || !takes("gzip") {
        return Some(File { bytes: bytes(plain), encoding: None, tag });
    }
    let mut known = COMPRESSED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_with(HashMap::new);
    let key = (name.to_owned(), tag.clone());
    if !known.contains_key(&key) {
        // A debug build's files change: what was compressed before is not kept.
        known.retain(|(other, _), _| other != name);
        known.insert(key.clone(), gzip(&plain.data)?);
    }
    known.get(&key).map(|bytes| File { bytes: bytes.clone(), encoding: Some("gzip"), tag })
}

fn bytes(file: EmbeddedFile) -> Bytes {
    match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    }
}

fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}
