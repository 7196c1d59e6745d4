//! By which results are trusted: who is checked and how often, who checks, who was right, and when a result is final.
//!
//! A node earns trust by results that somebody else confirmed, one node at a time, and loses it with the first wrong
//! one. A trusted node's results are believed for now ([`Treatment::Provisional`]) while a few of them, drawn when they
//! come in, are run again elsewhere. What is believed is held in *holdings* until [`is_final`]; a node that is caught
//! loses what is held, and those units are run again.
//!
//! How the shell uses it: [`Record::result`] numbers a result; [`treat`] says what to do with a unit's first one;
//! [`partner`] ranks who may run a copy; [`decide`] looks at all claims of a unit after each copy; then
//! [`Record::passed`] for every credited claim, [`Record::fault`] and [`OwnerRecord::fault`] for every wrong one.
//! [`sweep_size`] is asked before a job is done, [`stale_sample`] for what a silent node left.
//! The formulas and what they achieve are in `docs/trust.md`; `cargo xtask bench trust` measures it with these very
//! functions.

mod claim;
mod decide;
mod door;
mod fault;
mod partner;
mod policy;
mod record;
mod settle;
mod standing;
mod treat;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use claim::{ClaimView, Marks};
pub use decide::{Decision, Like, decide, decide_alone};
pub use door::Door;
pub use fault::{Fault, Sanction};
pub use partner::{Candidate, CheckLimit, Tier, Unfit, limits, partner};
pub use policy::{GridKind, PPM, Policy};
pub use record::{OwnerRecord, RECENT, Record};
pub use settle::{is_final, stale_sample, sweep_size};
pub use standing::{Standing, is_seasoned, passes_needed, standing, units_max};
pub use treat::{Alone, Scene, Treatment, Verify, alone, check_ppm, treat};
