//! Texts of the command line, parsed into the protocol's types. Errors say what would be right.

mod credits;
mod day;
mod duration;
mod limit;
mod on_failed;
mod size;
mod split;

pub use credits::{credits, credits_key, offer, offer_key, verify};
pub use day::{day, minute};
pub use duration::duration;
pub use limit::{LimitArg, limit};
pub use on_failed::on_failed;
pub use size::{fuel, size};
pub use split::split;
