//! What caused a transfer: the transfer's id follows from it, so nothing is paid twice.

use std::fmt;

use fallow_protocol::Digest;
use fallow_protocol::digest::FieldHasher;
use serde::{Deserialize, Serialize};

use super::transfer::Kind;
use crate::ids::{AccountNo, JobNo, NodeNo};

/// Number of the grant that a new account gets once.
pub const ALLOWANCE: u64 = 0;

/// Id of a transfer: the first half of a BLAKE3 digest of its cause.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TransferId(pub [u8; 16]);

/// Work that is paid in one transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// All that a node's frame of results settled of one stage of one job: summed, and rounded once.
    Frame {
        /// The job.
        job: JobNo,
        /// Its stage.
        stage: u16,
        /// Who is paid.
        node: NodeNo,
        /// Whose frame settled it: the same node, or another one that confirmed its results.
        by: NodeNo,
        /// Number of that frame.
        frame: u64,
    },
    /// One attempt of one unit that no frame settled: cancelled, or settled by a decision.
    Attempt {
        /// The job.
        job: JobNo,
        /// Its stage.
        stage: u16,
        /// The unit.
        seq: u64,
        /// The attempt.
        attempt: u32,
    },
}

/// Why credits move. Equal causes are one transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The operator gives credits, or an account gets its first ones ([`ALLOWANCE`]).
    Grant {
        /// Who gets them.
        account: AccountNo,
        /// Which grant; see [`Cause::number_of`].
        n: u64,
    },
    /// The operator gives credits to the account that pays for checks.
    Endow {
        /// Which time; see [`Cause::number_of`].
        n: u64,
    },
    /// An author gives a job its budget, or more of it.
    Fund {
        /// The job.
        job: JobNo,
        /// Which of its budgets, from 0.
        n: u64,
    },
    /// What a job did not spend goes back.
    Refund {
        /// The job.
        job: JobNo,
        /// Which of its refunds, from 0.
        n: u64,
    },
    /// A lender's pay is reserved.
    Hold(Work),
    /// The fee that goes with it is reserved.
    HoldFee(Work),
    /// A lender is paid at once.
    Pay(Work),
    /// The fee that goes with it.
    Fee(Work),
    /// A lender is paid for a check, by the grid.
    Check(Work),
    /// A reserved amount, or a part of it, moves.
    Post {
        /// What reserved it.
        of: TransferId,
    },
    /// A reserved amount returns.
    Void {
        /// What reserved it.
        of: TransferId,
    },
    /// A reserved amount returns because its time is over.
    Expire {
        /// What reserved it.
        of: TransferId,
    },
    /// Keeping a job's result.
    Storage {
        /// The job.
        job: JobNo,
        /// Which period, from 0.
        n: u64,
    },
    /// The operator takes fees that checks did not need.
    Surplus {
        /// Which time; see [`Cause::number_of`].
        n: u64,
    },
    /// An account loses credits that it got wrongly.
    Forfeit {
        /// Whose.
        account: AccountNo,
        /// Which time.
        n: u64,
    },
    /// An author gets back what wrong results cost, after they were delivered.
    Compensation {
        /// The job.
        job: JobNo,
        /// Which of its corrections, from 0.
        n: u64,
    },
}

const WORDS: [(u8, &str); 16] = [
    (1, "grant"),
    (2, "budget"),
    (3, "refund"),
    (4, "hold"),
    (5, "hold-fee"),
    (6, "pay"),
    (7, "fee"),
    (8, "check"),
    (9, "post"),
    (10, "void"),
    (11, "expire"),
    (12, "storage"),
    (13, "surplus"),
    (14, "forfeit"),
    (15, "compensation"),
    (16, "endow"),
];

impl Cause {
    /// The id of its transfer. Never changes: ids are in databases.
    pub fn id(&self) -> TransferId {
        let hasher = FieldHasher::new("fallow transfer v1").u64(u64::from(self.code()));
        let hasher = match self {
            Cause::Grant { account, n } | Cause::Forfeit { account, n } => hasher.u64(account.0 as u64).u64(*n),
            Cause::Fund { job, n }
            | Cause::Refund { job, n }
            | Cause::Storage { job, n }
            | Cause::Compensation { job, n } => hasher.u64(job.0 as u64).u64(*n),
            Cause::Surplus { n } | Cause::Endow { n } => hasher.u64(*n),
            Cause::Hold(work) | Cause::HoldFee(work) | Cause::Pay(work) | Cause::Fee(work) | Cause::Check(work) => {
                work.hash(hasher)
            }
            Cause::Post { of } | Cause::Void { of } | Cause::Expire { of } => hasher.bytes(&of.0),
        };
        TransferId::from_digest(&hasher.finish())
    }

    /// Number of the cause, in ids and in the database. Never reused.
    pub fn code(&self) -> u8 {
        match self {
            Cause::Grant { .. } => 1,
            Cause::Fund { .. } => 2,
            Cause::Refund { .. } => 3,
            Cause::Hold(_) => 4,
            Cause::HoldFee(_) => 5,
            Cause::Pay(_) => 6,
            Cause::Fee(_) => 7,
            Cause::Check(_) => 8,
            Cause::Post { .. } => 9,
            Cause::Void { .. } => 10,
            Cause::Expire { .. } => 11,
            Cause::Storage { .. } => 12,
            Cause::Surplus { .. } => 13,
            Cause::Forfeit { .. } => 14,
            Cause::Compensation { .. } => 15,
            Cause::Endow { .. } => 16,
        }
    }

    /// A stable word for the code of a cause, for whoever searches the ledger; see [`Cause::code_of`].
    pub fn word(code: u8) -> &'static str {
        WORDS.iter().find(|(known, _)| *known == code).map_or("unknown", |(_, word)| word)
    }

    /// The code of a word.
    pub fn code_of(word: &str) -> Option<u8> {
        WORDS.iter().find(|(_, known)| *known == word).map(|(code, _)| *code)
    }

    /// All words.
    pub fn words() -> impl Iterator<Item = &'static str> {
        WORDS.iter().map(|(_, word)| *word)
    }

    /// What its transfer does.
    pub fn kind(&self) -> Kind {
        match self {
            Cause::Hold(_) | Cause::HoldFee(_) => Kind::Pending,
            Cause::Post { .. } => Kind::Post,
            Cause::Void { .. } | Cause::Expire { .. } => Kind::Void,
            _ => Kind::Single,
        }
    }

    /// The pending transfer that it resolves, if it does.
    pub fn resolves(&self) -> Option<TransferId> {
        match self {
            Cause::Post { of } | Cause::Void { of } | Cause::Expire { of } => Some(*of),
            _ => None,
        }
    }

    /// One word or two for people.
    pub fn label(&self) -> &'static str {
        match self {
            Cause::Grant { n: ALLOWANCE, .. } => "allowance",
            Cause::Grant { .. } => "grant",
            Cause::Endow { .. } => "endowment",
            Cause::Fund { .. } => "budget",
            Cause::Refund { .. } => "refund",
            Cause::Hold(_) => "pay, held",
            Cause::HoldFee(_) => "fee, held",
            Cause::Pay(_) => "pay",
            Cause::Fee(_) => "fee",
            Cause::Check(_) => "check",
            Cause::Post { .. } => "posted",
            Cause::Void { .. } => "voided",
            Cause::Expire { .. } => "expired",
            Cause::Storage { .. } => "storage",
            Cause::Surplus { .. } => "surplus",
            Cause::Forfeit { .. } => "forfeit",
            Cause::Compensation { .. } => "compensation",
        }
    }

    /// The number for something that a client named, as with an idempotency key. Never [`ALLOWANCE`].
    pub fn number_of(name: &str) -> u64 {
        let digest = FieldHasher::new("fallow transfer number v1").bytes(name.as_bytes()).finish();
        let [a, b, c, d, e, f, g, h, ..] = digest.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h]).max(ALLOWANCE + 1)
    }
}

impl Work {
    /// The job that it is for.
    pub fn job(&self) -> JobNo {
        match self {
            Work::Frame { job, .. } | Work::Attempt { job, .. } => *job,
        }
    }

    fn hash(&self, hasher: FieldHasher) -> FieldHasher {
        match *self {
            Work::Frame { job, stage, node, by, frame } => {
                hasher.u64(1).u64(job.0 as u64).u64(stage.into()).u64(node.0 as u64).u64(by.0 as u64).u64(frame)
            }
            Work::Attempt { job, stage, seq, attempt } => {
                hasher.u64(2).u64(job.0 as u64).u64(stage.into()).u64(seq).u64(attempt.into())
            }
        }
    }
}

impl TransferId {
    fn from_digest(digest: &Digest) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&digest.0[..16]);
        Self(id)
    }

    /// From exactly 16 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }
}

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransferId({self})")
    }
}
