//! Bytes that are still on their way when their unit begins.

use tokio::sync::watch;

use super::FileRange;

/// Where they will lie, or why they cannot be had.
pub type Arrived = Result<Vec<FileRange>, String>;

/// Bytes on their way; clones are the same bytes.
#[derive(Clone, Debug)]
pub struct Later(watch::Receiver<Option<Arrived>>);

/// The other end: whoever brings them. Dropped without a word, they cannot be had.
#[derive(Debug)]
pub struct Bringer(watch::Sender<Option<Arrived>>);

impl Later {
    /// Bytes that somebody will bring.
    pub fn new() -> (Bringer, Self) {
        let (sender, receiver) = watch::channel(None);
        (Bringer(sender), Self(receiver))
    }

    /// What came of them, where that is known.
    pub fn there(&self) -> Option<Arrived> {
        self.0.borrow().clone()
    }

    /// Wait for them.
    pub async fn arrived(&self) -> Arrived {
        let mut receiver = self.0.clone();
        let arrived = receiver.wait_for(Option::is_some).await.ok().and_then(|arrived| arrived.clone());
        arrived.unwrap_or_else(|| Err("nobody brings them any more".into()))
    }
}

impl Bringer {
    /// They are there, or never will be.
    pub fn bring(self, arrived: Arrived) {
        self.0.send_replace(Some(arrived));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn they_arrive_or_are_given_up() {
        let (bringer, later) = Later::new();
        assert!(later.there().is_none());
        bringer.bring(Ok(Vec::new()));
        assert!(later.clone().arrived().await.is_ok_and(|ranges| ranges.is_empty()));
        assert!(later.there().is_some());
        let (bringer, later) = Later::new();
        drop(bringer);
        assert!(later.arrived().await.is_err());
    }
}
