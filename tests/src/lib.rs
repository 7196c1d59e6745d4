//! The bench on which end-to-end tests stand: real servers, nodes and tools, started on free ports in temporary
//! folders, and stopped by their own handles. Nothing here knows how the programs work inside.

pub mod audit;
pub mod author;
pub mod bench;
pub mod conformance;
pub mod events;
pub mod evil;
pub mod grid;
pub mod guests;
pub mod open_grid;
pub mod person;
pub mod process;
pub mod raw_node;
pub mod steps;
pub mod trust_sim;

/// Longest that a test waits for something that should happen at once.
pub const SOON: std::time::Duration = std::time::Duration::from_secs(30);
/// Longest that a test waits for a job.
pub const JOB: std::time::Duration = std::time::Duration::from_secs(120);
