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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use fallow_protocol::JobId;

    use super::*;

    const WHOLE: &[u8] = b"twelve bytes";

    /// A server whose connections give these answers in turn and then break off; and what a client takes from it.
    async fn passed(answers: Vec<String>, digest: Digest) -> (Result<Option<Saved>, ClientError>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            for answer in answers {
                let mut connection = listener.accept().unwrap().0;
                // The request is one packet, with no body.
                let _ = connection.read(&mut [0; 4096]).unwrap();
                connection.write_all(answer.as_bytes()).unwrap();
            }
        });
        let (mut copy, mut taker) = Copy::new();
        let taking = tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            taker.read_to_end(&mut all).unwrap();
            all
        });
        let client = Client::connect(&url, "token").unwrap();
        let passed = client.pass(&Source::Result(JobId::random()), digest, &mut copy, &|_| {}).await;
        drop(copy);
        let taken = taking.await.unwrap();
        serving.join().unwrap();
        (passed, taken)
    }

    fn whole(of: usize) -> String {
        let bytes = std::str::from_utf8(&WHOLE[..of]).unwrap();
        format!("HTTP/1.1 200 OK\r\ncontent-length: 12\r\nconnection: close\r\n\r\n{bytes}")
    }

    fn rest(from: usize) -> String {
        let (bytes, len) = (std::str::from_utf8(&WHOLE[from..]).unwrap(), 12 - from);
        format!(
            "HTTP/1.1 206 Partial Content\r\ncontent-length: {len}\r\ncontent-range: bytes {from}-11/12\r\nconnection: \
             close\r\n\r\n{bytes}"
        )
    }

    #[tokio::test]
    async fn breaks_are_gone_on_with_and_every_byte_is_given_once() {
        let saved = Some(Saved { digest: Digest::of(WHOLE), len: 12 });
        for answers in [vec![whole(12)], vec![whole(5), rest(5)], vec![whole(5), whole(7), rest(7)]] {
            let (passed, taken) = passed(answers.clone(), Digest::of(WHOLE)).await;
            assert_eq!(passed.unwrap(), saved, "{answers:?}");
            assert_eq!(taken, WHOLE, "{answers:?}");
        }
    }

    #[tokio::test]
    async fn other_bytes_are_not_right() {
        let (passed, _) = passed(vec![whole(12)], Digest::of(b"others")).await;
        assert!(matches!(passed, Err(ClientError::WrongBytes { .. })), "{passed:?}");
    }
}
