//! The grid's server: HTTP API, node link, workers that load, decide, commit and wake, and the store.
//!
//! Everything is here so that tests can reach it; `main.rs` only starts it. The rules are `grid-core`'s.

pub mod anchor;
pub mod api;
pub mod app;
pub mod audit;
pub mod auth;
pub mod backup;
pub mod blobs;
pub mod cli;
pub mod config;
pub mod credits;
pub mod devices;
pub mod groups;
pub mod health;
pub mod jobs;
pub mod keys;
pub mod link;
pub mod live;
pub mod mail;
pub mod metrics;
pub mod modules;
pub mod operators;
pub mod people;
pub mod portal;
pub mod pulse;
pub mod router;
pub mod serve;
pub mod store;
pub mod suspensions;
pub mod tls;
pub mod trust;
pub mod wakes;
pub mod workers;
