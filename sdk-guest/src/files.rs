//! Several named files as one output: a POSIX `ustar` archive with nothing in it that differs between computers.
//!
//! Only plain files with a name, as any `tar` unpacks them; no folders, links, owners or times.

use std::fmt;

use crate::{Error, FromInput, IntoOutput, Result};

const BLOCK: usize = 512;
const NAME_BYTES: usize = 100;
const PREFIX_BYTES: usize = 155;

/// Named files that together are one output. `merge` gives them when the job's result is more than one file.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Files {
    tar: Vec<u8>,
}

impl Files {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Add a file. Its name may hold `/`, up to 100 bytes after one of them and 155 before it.
    pub fn add(&mut self, name: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        let bytes = bytes.as_ref();
        self.tar.extend_from_slice(&header(name, bytes.len())?);
        self.tar.extend_from_slice(bytes);
        self.tar.resize(self.tar.len().next_multiple_of(BLOCK), 0);
        Ok(())
    }

    /// The same, for building in one expression.
    pub fn with(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Result<Self> {
        self.add(name, bytes)?;
        Ok(self)
    }

    /// Names and contents, in order.
    pub fn iter(&self) -> impl Iterator<Item = (String, &[u8])> {
        let mut rest = self.tar.as_slice();
        std::iter::from_fn(move || {
            let (name, len) = read_header(rest)?;
            let bytes = rest.get(BLOCK..BLOCK + len)?;
            rest = rest.get(BLOCK + len.next_multiple_of(BLOCK)..).unwrap_or_default();
            Some((name, bytes))
        })
    }

    /// The file called `name`.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(found, _)| found == name).map(|(_, bytes)| bytes)
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, bytes)| (name, bytes.len()))).finish()
    }
}

impl IntoOutput for Files {
    fn into_output(mut self) -> Result<Vec<u8>> {
        self.tar.resize(self.tar.len() + 2 * BLOCK, 0);
        Ok(self.tar)
    }
}

impl FromInput for Files {
    fn from_input(mut bytes: Vec<u8>) -> Result<Self> {
        let mut end = 0;
        while let Some((name, len)) = bytes.get(end..).and_then(read_header) {
            end += BLOCK + len.next_multiple_of(BLOCK);
            if end > bytes.len() {
                return Err(Error::new(format!("the archive ends within {name:?}")));
            }
        }
        if bytes[end..].iter().any(|byte| *byte != 0) {
            return Err(Error::new(format!("not a ustar archive from byte {end} on")));
        }
        bytes.truncate(end);
        Ok(Self { tar: bytes })
    }
}

/// Where to cut a long name: the part after the cut is the name, the part before it the prefix.
fn cut_name(name: &str) -> Option<(&str, &str)> {
    if name.is_empty() || name.contains('\0') || name.starts_with('/') || name.split('/').any(|part| part == "..") {
        return None;
    }
    if name.len() <= NAME_BYTES {
        return Some(("", name));
    }
    name.match_indices('/')
        .map(|(at, _)| (&name[..at], &name[at + 1..]))
        .find(|(prefix, rest)| prefix.len() <= PREFIX_BYTES && rest.len() <= NAME_BYTES && !rest.is_empty())
}

fn header(name: &str, len: usize) -> Result<[u8; BLOCK]> {
    let (prefix, name) =
        cut_name(name).ok_or_else(|| Error::new(format!("a file in an archive cannot be called {name:?}")))?;
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\x000000000\x000000000\0");
    put(124, format!("{len:011o}\x0000000000000\0        0").as_bytes());
    put(257, b"ustar\x0000");
    put(345, prefix.as_bytes());
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}

fn read_header(block: &[u8]) -> Option<(String, usize)> {
    let block = block.get(..BLOCK)?;
    let text = |at: usize, len: usize| {
        let field = &block[at..at + len];
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(len);
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    let name = text(0, NAME_BYTES);
    if name.is_empty() || &block[257..262] != b"ustar" {
        return None;
    }
    let len = usize::from_str_radix(text(124, 12).trim(), 8).ok()?;
    let prefix = text(345, PREFIX_BYTES);
    Some((if prefix.is_empty() { name } else { format!("{prefix}/{name}") }, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_back_as_they_went_in() {
        let long = format!("{}/{}", "d".repeat(120), "f".repeat(90));
        let files = Files::new().with("count.txt", "325\n").unwrap();
        let files = files.with("empty", "").unwrap().with(&long, vec![7; 1000]).unwrap();
        let bytes = files.clone().into_output().unwrap();
        assert_eq!(bytes.len() % BLOCK, 0);
        let read = Files::from_input(bytes.clone()).unwrap();
        assert_eq!(read, files);
        assert_eq!(read.get("count.txt"), Some(b"325\n".as_slice()));
        assert_eq!(read.get(&long), Some([7; 1000].as_slice()));
        assert_eq!(read.iter().count(), 3);
        assert!(Files::from_input(bytes[..2100].to_vec()).unwrap_err().to_string().contains("ends within"));
        assert!(Files::from_input(bytes[..1600].to_vec()).unwrap_err().to_string().contains("from byte 1536 on"));
    }

    #[test]
    fn names_that_would_leave_the_folder_are_refused() {
        for name in ["", "/etc/passwd", "a/../b", "a\0b", &"x".repeat(101)] {
            assert!(Files::new().add(name, b"").is_err(), "{name:?}");
        }
    }
}
