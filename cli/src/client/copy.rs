//! A second taker of what is downloaded: it gets every byte once and in order, or it gets no more.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

/// Pieces that wait to be taken.
const PIECES_WAITING: usize = 32;

/// The giving end. By default nobody takes.
#[derive(Debug, Default)]
pub struct Copy {
    to: Option<mpsc::Sender<Bytes>>,
    /// Bytes given so far.
    given: u64,
}

/// The taking end. Read off the runtime: it waits. It ends where nothing more is given, be that all or not.
#[derive(Debug)]
pub struct Taker {
    from: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl Copy {
    /// Both ends.
    pub fn new() -> (Self, Taker) {
        let (to, from) = mpsc::channel(PIECES_WAITING);
        (Self { to: Some(to), given: 0 }, Taker { from, piece: Bytes::new() })
    }

    /// Give the bytes that begin at `offset` of the whole. Nothing more is given once some are missing, or not taken.
    pub async fn give(&mut self, offset: u64, bytes: &Bytes) {
        let Some(to) = &self.to else { return };
        if offset == self.given && to.send(bytes.clone()).await.is_ok() {
            self.given += bytes.len() as u64;
        } else {
            self.to = None;
        }
    }

    /// Whether the first `len` bytes of the whole were given and taken, and no more.
    pub fn is_whole(&self, len: u64) -> bool {
        self.to.is_some() && self.given == len
    }
}

impl Read for Taker {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.from.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let len = into.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut into[..len]);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn taken(given: &[(u64, &'static str)]) -> (String, bool) {
        let (mut copy, mut taker) = Copy::new();
        let taking = tokio::task::spawn_blocking(move || {
            let mut all = String::new();
            taker.read_to_string(&mut all).unwrap();
            all
        });
        for (offset, bytes) in given {
            copy.give(*offset, &Bytes::from_static(bytes.as_bytes())).await;
        }
        let whole = copy.is_whole(6);
        drop(copy);
        (taking.await.unwrap(), whole)
    }

    #[tokio::test]
    async fn bytes_are_taken_in_order_or_not_at_all() {
        assert_eq!(taken(&[(0, "one"), (3, ""), (3, "two")]).await, ("onetwo".to_owned(), true));
        assert_eq!(taken(&[(3, "two")]).await, (String::new(), false), "it did not begin at the first byte");
        assert_eq!(taken(&[(0, "one"), (0, "one"), (3, "two")]).await, ("one".to_owned(), false), "it began anew");
        assert_eq!(taken(&[(0, "onetwo"), (0, "onetwo")]).await, ("onetwo".to_owned(), false), "it began anew");
    }

    #[tokio::test]
    async fn a_taker_that_is_gone_holds_nobody_up() {
        let (mut copy, taker) = Copy::new();
        drop(taker);
        for n in 0..2 * PIECES_WAITING as u64 {
            copy.give(n, &Bytes::from_static(b"x")).await;
        }
        assert!(!copy.is_whole(0));
    }
}
