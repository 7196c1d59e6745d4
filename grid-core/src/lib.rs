//! The rules of the grid: how a job's input is cut, how units and jobs live, who may run what, and what a result is worth.
//!
//! Everything here is a pure function over data. There is no async, no clock, no chance, no SQL and no network: `now`
//! and seeds are arguments, a decision is a value, and the shell (`grid-server`) loads, asks here, commits and wakes.

pub mod estimate;
pub mod eta;
pub mod ids;
pub mod ledger;
pub mod life;
pub mod matching;
pub mod name;
pub mod presence;
pub mod pricing;
pub mod quota;
pub mod settle;
pub mod split;
pub mod trust;

pub use ids::{AccountNo, JobNo, NodeNo};
