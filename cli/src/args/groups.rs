//! `groups …`: a lab or a club whose members' computers run each other's jobs.

use clap::Subcommand;

/// `groups …`.
#[derive(Debug, Subcommand)]
pub enum GroupsCommand {
    /// List your groups, and those that you were asked into
    List,
    /// Make a group: small letters, digits, `-`, `_` and `.`
    Create {
        /// Its name
        group: String,
    },
    /// Show members, open invitations and devices of a group
    Show {
        /// Its name
        group: String,
    },
    /// Ask an account into a group of yours
    Invite {
        /// The group
        group: String,
        /// Name of the account
        #[arg(value_parser = super::name)]
        account: String,
    },
    /// Join a group that you were asked into: your computers run its members' jobs then
    Accept {
        /// The group
        group: String,
    },
    /// Do not join it
    Decline {
        /// The group
        group: String,
    },
    /// Leave a group
    Leave {
        /// The group
        group: String,
    },
    /// Remove somebody from a group of yours
    Remove {
        /// The group
        group: String,
        /// Name of the account
        account: String,
    },
    /// End a group of yours
    Delete {
        /// The group
        group: String,
    },
}
