//! What Fallow's parts say to each other: ids, digests, specifications, messages, signatures, errors and limits.
//!
//! Everything here is data with its encoding. There are no rules of the grid (they are `grid-core`'s) and no IO.

pub mod api;
pub mod blocks;
pub mod digest;
pub mod ids;
pub mod job;
pub mod keys;
pub mod limits;
pub mod link;
pub mod manifest;
pub mod outcome;
pub mod preferences;
pub mod problem;
pub mod unit;
pub mod unit_map;
pub mod wire;

pub use digest::Digest;
pub use ids::{AccountId, JobId, NodeId};
pub use keys::{PublicKey, SecretKey, Signature};
