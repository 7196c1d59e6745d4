//! The only place that runs a guest.
//!
//! Two halves. The *client* half, used by node, author's tool and server, spawns, confines, feeds and kills worker
//! processes; it never enters the engine. The *worker* half runs only in such a child: the same executable, started
//! with a hidden first argument. There is no network and no database here.

#[doc(hidden)]
pub mod bench_support;
pub mod client;
mod confine;
#[cfg(feature = "conformance")]
#[doc(hidden)]
pub mod conformance;
pub mod instrument;
mod os;
pub mod widen;
mod wire;
mod worker;

/// The hidden first argument that makes an executable a worker.
pub const WORKER_ARG: &str = "__fallow-worker";

/// Call first thing in `main`: in a worker process this serves its parent and exits; elsewhere it returns at once.
pub fn serve_if_worker() {
    if std::env::args_os().nth(1).is_some_and(|arg| arg == WORKER_ARG) {
        worker::serve()
    }
}
