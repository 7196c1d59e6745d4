//! Public ids: a prefix and random letters. Integers stay inside the database.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// 32 letters without vowels and look-alikes, so that ids spell nothing and read well over the phone.
const LETTERS: &[u8; 32] = b"0123456789bcdfghjkmnpqrstvwxyzBC";
const RANDOM_LETTERS: usize = 12;

/// A text that is no id of the expected kind.
#[derive(Debug, thiserror::Error)]
#[error("expected an id like `{prefix}7f3a…`, not {found:?}")]
pub struct IdError {
    prefix: &'static str,
    found: String,
}

/// `letters` random letters from the operating system's generator.
pub fn random_letters(letters: usize) -> String {
    let mut bytes = vec![0u8; letters];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes.iter().map(|byte| LETTERS[(byte & 31) as usize] as char).collect()
}

macro_rules! public_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id that nobody can guess (60 random bits).
            pub fn random() -> Self {
                Self(format!("{}{}", $prefix, random_letters(RANDOM_LETTERS)))
            }

            /// The whole text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let letters = text.strip_prefix($prefix).unwrap_or_default();
                let right = letters.len() == RANDOM_LETTERS && letters.bytes().all(|b| LETTERS.contains(&b));
                if right {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError { prefix: $prefix, found: text.chars().take(40).collect() })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                String::schema()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    };
}

public_id!(
    /// A job.
    JobId, "job-"
);
public_id!(
    /// A volunteer's node.
    NodeId, "node-"
);
public_id!(
    /// An account.
    AccountId, "acc-"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_and_differ() {
        let (one, other) = (JobId::random(), JobId::random());
        assert_ne!(one, other);
        assert_eq!(one.as_str().parse::<JobId>().unwrap(), one);
        assert!(one.as_str().parse::<NodeId>().is_err());
        assert!("job-../../etc".parse::<JobId>().is_err());
    }
}
