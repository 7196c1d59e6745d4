//! The server's own worker, as it gives results beside real nodes: the same to the last digest, within its bounds.
//! `cargo xtask test` builds the guests and the node.

#[path = "../api/grid.rs"]
#[allow(dead_code)]
mod grid;

mod bounds;
#[cfg(target_os = "linux")]
mod budget;
mod equal;
mod rig;
