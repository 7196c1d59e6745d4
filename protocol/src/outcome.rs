//! How a unit's run ends.

use serde::{Deserialize, Serialize};

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum LimitKind {
    /// Linear memory.
    Memory,
    /// Fuel.
    Fuel,
    /// Output or emitted inputs.
    Output,
    /// Scratch directory.
    Scratch,
}

/// How a run ended. The author sees each of them differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Outcome {
    /// It gave an output.
    Done,
    /// The task said itself that it cannot: its message (UTF-8, made valid), shortened.
    GuestError {
        /// The task's message.
        message: String,
    },
    /// It broke: a panic, a division by zero, an access out of bounds, a stack overflow.
    Trap {
        /// What broke, with the guest's frames where they are known.
        message: String,
    },
    /// It asked for more than it may.
    Limit {
        /// Which limit.
        limit: LimitKind,
        /// Where and how much.
        message: String,
    },
    /// It took longer than its wall time.
    TimeLimit,
    /// The computer it ran on failed it.
    HostFault {
        /// What failed there.
        message: String,
    },
    /// Nobody answers for it any more.
    Lost,
}

impl Outcome {
    /// Byte that stands for the class in digests and in the database. Never reused.
    pub fn class(&self) -> u8 {
        match self {
            Outcome::Done => 1,
            Outcome::GuestError { .. } => 2,
            Outcome::Trap { .. } => 3,
            Outcome::Limit { limit: LimitKind::Memory, .. } => 4,
            Outcome::Limit { limit: LimitKind::Fuel, .. } => 5,
            Outcome::Limit { limit: LimitKind::Output, .. } => 6,
            Outcome::Limit { limit: LimitKind::Scratch, .. } => 7,
            Outcome::TimeLimit => 8,
            Outcome::HostFault { .. } => 9,
            Outcome::Lost => 10,
        }
    }

    /// Whether the same unit ends the same on every computer.
    pub fn is_deterministic(&self) -> bool {
        !matches!(self, Outcome::TimeLimit | Outcome::HostFault { .. } | Outcome::Lost)
    }

    /// Words for people.
    pub fn label(&self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::GuestError { .. } => "guest error",
            Outcome::Trap { .. } => "trap",
            Outcome::Limit { limit: LimitKind::Memory, .. } => "memory limit",
            Outcome::Limit { limit: LimitKind::Fuel, .. } => "fuel limit",
            Outcome::Limit { limit: LimitKind::Output, .. } => "output limit",
            Outcome::Limit { limit: LimitKind::Scratch, .. } => "scratch limit",
            Outcome::TimeLimit => "time limit",
            Outcome::HostFault { .. } => "host fault",
            Outcome::Lost => "lost",
        }
    }

    /// The message that goes with it, empty where there is none.
    pub fn message(&self) -> &str {
        match self {
            Outcome::GuestError { message }
            | Outcome::Trap { message }
            | Outcome::Limit { message, .. }
            | Outcome::HostFault { message } => message,
            Outcome::Done | Outcome::TimeLimit | Outcome::Lost => "",
        }
    }
}
