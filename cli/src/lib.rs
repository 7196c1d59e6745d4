//! The author's tool `fallow`, and the API client that it shares with tests and benchmarks.
//!
//! There is nothing here that the API cannot do; rules of the grid are the server's.

pub mod client;
pub mod fallow_toml;
