//! The files of a tar archive that a guest, or the grid itself, has made: where each lies within it. Reads heads only;
//! what they say of lengths is checked against the archive's own. Names are for showing: nothing is unpacked.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use tar::{EntryType, Header};

use super::kind::plain;

const BLOCK: u64 = 512;
/// Heads that are read.
const HEADS_MAX: usize = 5_000;
/// Bytes of a name that stands in an entry of its own.
const NAME_BYTES_MAX: u64 = 4_096;
/// Letters of a name that are shown.
const NAME_MAX: usize = 200;

/// A file within an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, for people.
    pub name: String,
    /// Where it begins.
    pub offset: u64,
    /// Its length, bytes.
    pub len: u64,
}

/// Whether a file that begins like this is a tar archive.
pub fn is_tar(head: &[u8]) -> bool {
    let is_header = |head: &[u8]| &head[257..262] == b"ustar" && Header::from_byte_slice(head).cksum().is_ok();
    head.get(..BLOCK as usize).is_some_and(is_header)
}

/// The first `max` files of an archive of `len` bytes; as many as can be read where it is damaged.
pub fn entries(file: &File, len: u64, max: usize) -> io::Result<Vec<Entry>> {
    let (mut entries, mut at, mut long_name) = (Vec::new(), 0u64, None);
    for _ in 0..HEADS_MAX {
        if entries.len() == max || at.saturating_add(BLOCK) > len {
            break;
        }
        let mut block = [0u8; BLOCK as usize];
        file.read_exact_at(&mut block, at)?;
        let header = Header::from_byte_slice(&block);
        let right = header.cksum().is_ok_and(|told| told == sum(&block));
        let Some(size) = header.entry_size().ok().filter(|size| right && *size <= len - at - BLOCK) else { break };
        let begin = at + BLOCK;
        match header.entry_type() {
            EntryType::GNULongName => {
                let mut name = vec![0; size.min(NAME_BYTES_MAX) as usize];
                file.read_exact_at(&mut name, begin)?;
                long_name = Some(name);
            }
            EntryType::Regular | EntryType::Continuous => {
                let name = long_name.take().unwrap_or_else(|| header.path_bytes().into_owned());
                let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
                let name = plain(&String::from_utf8_lossy(name), NAME_MAX);
                entries.push(Entry { name, offset: begin, len: size });
            }
            _ => long_name = None,
        }
        at = begin + size.div_ceil(BLOCK) * BLOCK;
    }
    Ok(entries)
}

/// What a head's checksum must be: its own eight bytes count as spaces.
fn sum(block: &[u8]) -> u32 {
    let byte = |(at, byte): (usize, &u8)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) };
    block.iter().enumerate().map(byte).sum()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(bytes: &[u8]) -> (File, u64) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        (file, bytes.len() as u64)
    }

    fn archive(names: &[&str]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for name in names {
            let mut header = Header::new_gnu();
            header.set_size(5);
            let room = header.as_old_mut();
            let short = &name.as_bytes()[..name.len().min(100)];
            room.name[..short.len()].copy_from_slice(short);
            header.set_cksum();
            builder.append(&header, &b"hello"[..]).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn what_is_shorter_than_a_head_is_no_archive() {
        let head = archive(&["a.txt"]);
        assert!(is_tar(&head[..512]));
        for len in [0, 256, 262, 511] {
            assert!(!is_tar(&head[..len]));
        }
    }

    #[test]
    fn files_are_found_whatever_they_are_called() {
        let bytes = archive(&["a.txt", "../../etc/passwd", "/root/x", "<script>alert(1)</script>", "b\u{1b}[2J"]);
        assert!(is_tar(&bytes));
        let (file, len) = file(&bytes);
        let found = entries(&file, len, 10).unwrap();
        assert_eq!(found.len(), 5);
        assert_eq!((found[1].name.as_str(), found[4].name.as_str()), ("../../etc/passwd", "b\u{fffd}[2J"));
        for entry in &found {
            let at = entry.offset as usize;
            assert_eq!(&bytes[at..at + entry.len as usize], b"hello");
        }
        assert_eq!(entries(&file, len, 2).unwrap().len(), 2);
    }

    #[test]
    fn damaged_archives_end_where_the_damage_is() {
        let good = archive(&["a", "b", "c"]);
        for cut in [0, 1, 511, 512, 600, 1_024, 1_500] {
            let (file, len) = file(&good[..cut]);
            assert!(entries(&file, len, 10).unwrap().len() <= 1 + cut / 1_024, "{cut}");
        }
        let mut huge = good.clone();
        let mut header = Header::new_gnu();
        header.set_size(u64::MAX >> 2);
        header.set_cksum();
        huge[1_024..1_536].copy_from_slice(header.as_bytes());
        let (file, len) = file(&huge);
        assert_eq!(entries(&file, len, 10).unwrap().len(), 1);
    }
}
