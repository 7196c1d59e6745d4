//! Whose work a device takes, as its owner said on the portal. His own is always taken.

use std::collections::BTreeSet;

use fallow_protocol::Digest;
use fallow_protocol::api::Who;

use super::eligible::Refusal;
use super::view::JobView;
use crate::ids::AccountNo;

/// The owner's choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Takes {
    /// Whose.
    pub who: Who,
    /// Accounts that share a group with the owner.
    pub companions: BTreeSet<AccountNo>,
    /// Not of these.
    pub not_authors: BTreeSet<AccountNo>,
    /// Not these modules.
    pub not_modules: BTreeSet<Digest>,
}

impl Takes {
    /// Whether a job of somebody else is taken.
    pub fn check(&self, job: &JobView) -> Result<(), Refusal> {
        match self.who {
            Who::Own => return Err(Refusal::NoStrangers),
            Who::Groups if !self.companions.contains(&job.owner) => return Err(Refusal::GroupsOnly),
            Who::Groups | Who::Anyone => {}
        }
        if self.not_authors.contains(&job.owner) {
            return Err(Refusal::NotAuthor);
        }
        match self.not_modules.contains(&job.module) {
            true => Err(Refusal::NotModule),
            false => Ok(()),
        }
    }
}
