//! Wake-ups between the server's tasks. A wake-up only cuts latency: every worker also looks by itself once in a while.

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// One bell a worker, and the end of them all.
#[derive(Debug, Default)]
pub struct Wakes {
    /// A job may have units to make.
    pub split: Notify,
    /// Units may be ready, or nodes free.
    pub dispatch: Notify,
    /// A job may have ended its work.
    pub finish: Notify,
    /// Results may be final, or have to be looked through.
    pub settle: Notify,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
}
