//! Downloads that are taken as they come and kept in no file: gone on with after a break, checked at the end.

use fallow_protocol::Digest;

use super::copy::Copy;
use super::save::{Saved, Source, TRIES_MAX, is_break};
use super::upload::Progress;
use super::{Client, ClientError, call};

/// How far it is.
struct Passed {
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Client {
    /// Give all bytes of `source` to `copy`, unchecked. They were right only where this gives what they are; none where
    /// the taker went away before the end.
    pub async fn pass(
        &self,
        source: &Source,
        digest: Digest,
        copy: &mut Copy,
        progress: Progress<'_>,
    ) -> Result<Option<Saved>, ClientError> {
        let (mut passed, mut tries) = (Passed { hasher: blake3::Hasher::new(), bytes: 0 }, 0);
        loop {
            let before = passed.bytes;
            match self.pass_rest(source, &mut passed, copy, progress).await {
                Ok(()) => break,
                Err(error) if !is_break(&error) || tries >= TRIES_MAX => return Err(error),
                Err(_) => tokio::time::sleep(call::pause(tries, None)).await,
            }
            tries = if passed.bytes > before { 0 } else { tries + 1 };
        }
        if !copy.is_whole(passed.bytes) {
            return Ok(None);
        }
        let (found, len) = (Digest::from(passed.hasher.finalize()), passed.bytes);
        if found == digest {
            Ok(Some(Saved { digest, len }))
        } else {
            Err(ClientError::WrongBytes { wanted: digest, found })
        }
    }

    async fn pass_rest(
        &self,
        source: &Source,
        passed: &mut Passed,
        copy: &mut Copy,
        progress: Progress<'_>,
    ) -> Result<(), ClientError> {
        let mut download = match self.open(source, passed.bytes).await {
            // Nothing is left after the last byte.
            Err(error) if error.status() == Some(416) && passed.bytes > 0 => return Ok(()),
            other => other?,
        };
        // A server may answer a range with the whole: what was taken is not given again.
        let mut known = passed.bytes - download.offset.min(passed.bytes);
        while let Some(mut chunk) = download.chunk().await? {
            let skipped = known.min(chunk.len() as u64);
            known -= skipped;
            let fresh = chunk.split_off(skipped as usize);
            passed.hasher.update(&fresh);
            copy.give(passed.bytes, &fresh).await;
            passed.bytes += fresh.len() as u64;
            progress(fresh.len() as u64);
            if !copy.is_whole(passed.bytes) {
                return Ok(());
            }
        }
        match download.total {
            Some(total) if passed.bytes < total => Err(self.broken("a download ended too soon")),
            _ => Ok(()),
        }
    }
}
