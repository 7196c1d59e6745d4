//! Entries of a tar archive as bytes, so that one can be written while its parts stream by.

use tar::{EntryType, Header};

/// Archives are made of blocks.
const BLOCK: usize = 512;
/// Two empty blocks end an archive.
pub const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];
const ZEROS: [u8; BLOCK] = [0; BLOCK];

/// What stands before a file of `len` bytes. Names are checked at submission: relative, without `..`.
pub fn header(name: &str, len: u64, mtime_s: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BLOCK);
    let mut header = new_header(EntryType::Regular, len, mtime_s);
    if header.set_path(name).is_err() {
        bytes.extend(long_name(name));
        let end = name.floor_char_boundary(100);
        header.as_mut_bytes()[..end].copy_from_slice(&name.as_bytes()[..end]);
    }
    header.set_cksum();
    bytes.extend_from_slice(header.as_bytes());
    bytes
}

/// What fills the last block of a file of `len` bytes.
pub fn padding(len: u64) -> &'static [u8] {
    let over = (len % BLOCK as u64) as usize;
    if over == 0 { &[] } else { &ZEROS[over..] }
}

fn new_header(kind: EntryType, len: u64, mtime_s: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(len);
    header.set_mode(0o644);
    header.set_mtime(mtime_s);
    header
}

/// GNU's way for names that do not fit: an entry of its own before the file's.
fn long_name(name: &str) -> Vec<u8> {
    let mut header = new_header(EntryType::GNULongName, name.len() as u64 + 1, 0);
    // The fixed name of such entries always fits.
    let _ = header.set_path("././@LongLink");
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(name.as_bytes());
    bytes.push(0);
    bytes.extend(padding(name.len() as u64 + 1));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let long = format!("{}/{}.txt", "d".repeat(120), "ü".repeat(50));
        let files = [("a.txt", 0usize), ("b/c.bin", 512), (long.as_str(), 513), ("left-out.txt", 1_023)];
        let mut bytes = Vec::new();
        for (name, len) in files {
            bytes.extend(header(name, len as u64, 7));
            bytes.extend(vec![b'x'; len]);
            bytes.extend(padding(len as u64));
        }
        bytes.extend(END);
        let mut archive = tar::Archive::new(&bytes[..]);
        let read: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.path().unwrap().to_string_lossy().into_owned(), entry.size() as usize)
            })
            .collect();
        let wanted: Vec<_> = files.iter().map(|(name, len)| ((*name).to_owned(), *len)).collect();
        assert_eq!(read, wanted);
    }
}
