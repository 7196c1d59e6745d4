//! The host's functions in WebAssembly: the imports of `fallow:task`.

/// Bindings made from `wit/` by `bindgen/`: one file for each export, so that a component has just those that it
/// exports. The imports of a file are linked only where they are used.
#[allow(
    unsafe_code,
    missing_docs,
    clippy::all,
    dead_code,
    reason = "generated: the canonical ABI is pointers and lengths"
)]
#[rustfmt::skip]
pub mod bindings {
    pub mod merge;
    pub mod run;
    pub mod split;
}

pub use bindings::merge::fallow::task::parts::part;
pub use bindings::run::fallow::task::host::{checkpoint, log, progress, random, restore, shared_len, shared_read};
pub use bindings::split::fallow::task::emit::unit;
