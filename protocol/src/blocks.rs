//! Blobs in blocks of 256 KiB that can be checked one by one.
//!
//! A blob's name is plain BLAKE3 of its bytes. BLAKE3 is a tree over chunks of 1 KiB, so the chaining value of every
//! aligned 256 KiB block is a node of that tree: the list of them proves itself against the name, and each block
//! proves itself against the list. Source: the BLAKE3 paper, section 2.1, and `blake3::hazmat`.

use blake3::hazmat::{self, HasherExt, Mode};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::limits::BLOCK_BYTES;

/// Chaining values of a blob's blocks, in order; empty for a blob of one block or less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockList {
    /// Length of the blob in bytes.
    pub len: u64,
    /// One value a block (32 bytes each).
    pub values: Vec<Digest>,
}

/// Why blocks do not fit a blob's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The number of values does not fit the length.
    #[error("a blob of {len} bytes has {expected} blocks, not {found}")]
    Count {
        /// Length of the blob.
        len: u64,
        /// Blocks that it has.
        expected: u64,
        /// Values given.
        found: u64,
    },
    /// The list does not lead to the name.
    #[error("the list of blocks does not belong to this blob")]
    Root,
    /// A block's bytes are not those of the list.
    #[error("block {0} is not what its digest says")]
    Block(u64),
}

/// Number of blocks of a blob of `len` bytes.
pub fn block_count(len: u64) -> u64 {
    len.div_ceil(BLOCK_BYTES as u64).max(1)
}

impl BlockList {
    /// The list of a blob in memory.
    pub fn of(bytes: &[u8]) -> Self {
        let mut builder = BlockListBuilder::default();
        builder.update(bytes);
        builder.finish().1
    }

    /// Whether this list belongs to the blob `name`. A blob of one block has an empty list, and is its own proof.
    pub fn verify(&self, name: &Digest) -> Result<(), BlockError> {
        let expected = if self.len <= BLOCK_BYTES as u64 { 0 } else { block_count(self.len) };
        let found = self.values.len() as u64;
        if expected != found {
            return Err(BlockError::Count { len: self.len, expected, found });
        }
        if expected == 0 || root_of(&self.values) == *name { Ok(()) } else { Err(BlockError::Root) }
    }

    /// Whether `bytes` are block `index` of the blob `name`, for a list that was verified.
    pub fn verify_block(&self, name: &Digest, index: u64, bytes: &[u8]) -> Result<(), BlockError> {
        let wanted_len = (self.len - (index * BLOCK_BYTES as u64).min(self.len)).min(BLOCK_BYTES as u64);
        let right = bytes.len() as u64 == wanted_len
            && match self.values.get(index as usize) {
                Some(value) => block_value(index, bytes) == *value,
                None => self.values.is_empty() && index == 0 && Digest::of(bytes) == *name,
            };
        if right { Ok(()) } else { Err(BlockError::Block(index)) }
    }
}

fn block_value(index: u64, bytes: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(index * BLOCK_BYTES as u64);
    hasher.update(bytes);
    Digest(hasher.finalize_non_root())
}

/// Root of the tree over blocks: the left subtree is the largest power of two of blocks.
fn root_of(values: &[Digest]) -> Digest {
    let split = split_at(values.len());
    let (left, right) = (subtree(&values[..split]), subtree(&values[split..]));
    hazmat::merge_subtrees_root(&left, &right, Mode::Hash).into()
}

fn subtree(values: &[Digest]) -> [u8; 32] {
    if let [value] = values {
        return value.0;
    }
    let split = split_at(values.len());
    hazmat::merge_subtrees_non_root(&subtree(&values[..split]), &subtree(&values[split..]), Mode::Hash)
}

fn split_at(count: usize) -> usize {
    (count / 2 + count % 2).next_power_of_two().min(count - 1)
}

/// Makes a blob's name and its list of blocks while its bytes stream by. Each byte is hashed once: the name of a blob of
/// several blocks is the root over their values.
#[derive(Debug, Default)]
pub struct BlockListBuilder {
    /// The last block, as far as it is there; a full one is closed once a byte follows it.
    block: Vec<u8>,
    len: u64,
    values: Vec<Digest>,
}

impl BlockListBuilder {
    /// The next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.len += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.block.len() == BLOCK_BYTES {
                self.values.push(block_value(self.values.len() as u64, &self.block));
                self.block.clear();
            }
            // Whole blocks are hashed where they lie.
            if self.block.is_empty() && bytes.len() > BLOCK_BYTES {
                let (block, later) = bytes.split_at(BLOCK_BYTES);
                self.values.push(block_value(self.values.len() as u64, block));
                bytes = later;
                continue;
            }
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - self.block.len()));
            self.block.extend_from_slice(now);
            bytes = later;
        }
    }

    /// The blob's name and list.
    pub fn finish(mut self) -> (Digest, BlockList) {
        if self.values.is_empty() {
            return (Digest::of(&self.block), BlockList { len: self.len, values: Vec::new() });
        }
        self.values.push(block_value(self.values.len() as u64, &self.block));
        (root_of(&self.values), BlockList { len: self.len, values: self.values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(len: usize) {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
        let (name, list) = (Digest::of(&bytes), BlockList::of(&bytes));
        assert_eq!(list.len, len as u64);
        assert_eq!(list.verify(&name), Ok(()), "{len} bytes");
        for (index, block) in bytes.chunks(BLOCK_BYTES).enumerate() {
            let index = index as u64;
            assert_eq!(list.verify_block(&name, index, block), Ok(()), "{len} bytes, block {index}");
            let mut wrong = block.to_vec();
            wrong[0] ^= 1;
            assert_eq!(list.verify_block(&name, index, &wrong), Err(BlockError::Block(index)));
            assert_eq!(list.verify_block(&name, index, &block[1..]), Err(BlockError::Block(index)));
        }
        let past = block_count(len as u64);
        assert_eq!(list.verify_block(&name, past, &[]), Err(BlockError::Block(past)));
    }

    #[test]
    fn lists_prove_themselves_and_their_blocks() {
        for len in [
            0,
            1,
            BLOCK_BYTES - 1,
            BLOCK_BYTES,
            BLOCK_BYTES + 1,
            2 * BLOCK_BYTES,
            3 * BLOCK_BYTES + 7,
            5 * BLOCK_BYTES,
            9 * BLOCK_BYTES - 1,
        ] {
            check(len);
        }
    }

    #[test]
    fn the_pieces_that_bytes_come_in_change_nothing() {
        let bytes: Vec<u8> = (0..4 * BLOCK_BYTES + 9).map(|i| (i * 37 % 253) as u8).collect();
        for len in [0, 1, BLOCK_BYTES, 2 * BLOCK_BYTES, bytes.len()] {
            for piece in [7_001, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES] {
                let mut builder = BlockListBuilder::default();
                bytes[..len].chunks(piece).for_each(|piece| builder.update(piece));
                let (name, list) = builder.finish();
                assert_eq!(name, Digest::of(&bytes[..len]), "{len} bytes in pieces of {piece}");
                assert_eq!(list, BlockList::of(&bytes[..len]), "{len} bytes in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_list_of_another_blob_is_refused() {
        let bytes = vec![7u8; 3 * BLOCK_BYTES];
        let mut list = BlockList::of(&bytes);
        assert_eq!(list.verify(&Digest::of(b"other")), Err(BlockError::Root));
        list.values.pop();
        assert!(matches!(list.verify(&Digest::of(&bytes)), Err(BlockError::Count { .. })));
    }
}
