//! Internal numbers of nodes, accounts and jobs: the database's integers, typed so that they cannot be mixed up.
//! Public ids are `fallow_protocol::ids`.

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl From<i64> for $name {
            fn from(number: i64) -> Self {
                Self(number)
            }
        }

        impl From<$name> for i64 {
            fn from(number: $name) -> i64 {
                number.0
            }
        }
    };
}

number!(
    /// A node's row.
    NodeNo
);
number!(
    /// An account's row.
    AccountNo
);
number!(
    /// A job's row; older jobs have smaller numbers.
    JobNo
);
