//! MessagePack with named fields; unknown fields are ignored, so that either side may be newer.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes that are not the expected message.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Longer than the limit.
    #[error("a message of {len} bytes is over the limit of {max}")]
    TooLong {
        /// Its length.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// Not MessagePack of the expected shape.
    #[error("the message cannot be read: {0}")]
    Unreadable(#[from] rmp_serde::decode::Error),
}

/// Encode a message.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    rmp_serde::to_vec_named(message).expect("the protocol's own types always encode")
}

/// Decode a message of at most `max` bytes. The depth of nesting is limited by the decoder.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<T, WireError> {
    if bytes.len() > max {
        return Err(WireError::TooLong { len: bytes.len(), max });
    }
    Ok(rmp_serde::from_slice(bytes)?)
}
