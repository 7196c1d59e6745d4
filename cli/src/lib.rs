//! The author's tool `fallow`, and the API client that it shares with tests and benchmarks.
//!
//! There is nothing here that the API cannot do; rules of the grid are the server's.

pub mod args;
pub mod author_key;
pub mod build;
pub mod client;
pub mod commands;
pub mod config;
pub mod exit;
pub mod extract;
pub mod failure;
pub mod fallow_toml;
pub mod fetch;
pub mod new;
pub mod parse;
pub mod run;
pub mod session;
pub mod submit;
pub mod terminal;
pub mod toolchain;
pub mod watch;
pub mod words;
