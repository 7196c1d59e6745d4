//! The node link and the workers behind it: the real server in this process, spoken to by nodes that are nothing but a
//! WebSocket and a key, so that they can answer anything, at any time, or not at all.

#[path = "../api/grid.rs"]
#[allow(dead_code)]
mod grid;

mod abuse;
mod credits;
mod forgetting;
mod gather;
mod jobs;
mod operators;
mod raw;
mod trouble;
mod uploads;
