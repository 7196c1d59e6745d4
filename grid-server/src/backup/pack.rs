//! Writing the archive.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

use tar::{Builder, EntryType, Header};

use super::unpack::KEY_FILES;
use super::{Amount, DATABASE, END, HEAD, Head};

/// Write beside, sync, rename: an archive with its final name is whole.
pub fn pack(data: &Path, database: &Path, head: &Head, file: &Path) -> io::Result<Amount> {
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    let part = Path::new(&name);
    let written = write(data, database, head, part).and_then(|amount| fs::rename(part, file).map(|()| amount));
    if written.is_err() {
        let _ = fs::remove_file(part);
    }
    written
}

fn write(data: &Path, database: &Path, head: &Head, part: &Path) -> io::Result<Amount> {
    let mut archive = Builder::new(BufWriter::new(create_private(part)?));
    add_bytes(&mut archive, HEAD, &serde_json::to_vec(head)?)?;
    add_file(&mut archive, DATABASE, database)?;
    for entry in fs::read_dir(data.join("keys"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Not those that a rotation writes at the moment.
        if KEY_FILES.contains(&name.as_str()) {
            add_file(&mut archive, &format!("keys/{name}"), &entry.path())?;
        }
    }
    let amount = add_blobs(&mut archive, &data.join("blobs"))?;
    add_bytes(&mut archive, END, &serde_json::to_vec(&amount)?)?;
    let mut writer = archive.into_inner()?;
    writer.flush()?;
    writer.get_ref().sync_all()?;
    Ok(amount)
}

fn add_blobs<W: Write>(archive: &mut Builder<W>, root: &Path) -> io::Result<Amount> {
    let mut amount = Amount::default();
    for folder in fs::read_dir(root)? {
        let folder = folder?;
        let prefix = folder.file_name().to_string_lossy().into_owned();
        // `half` holds what is being written now.
        if prefix.len() != 2 {
            continue;
        }
        for entry in fs::read_dir(folder.path())? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            match add_file(archive, &format!("blobs/{prefix}/{name}"), &entry.path()) {
                Ok(bytes) if !name.ends_with(".blocks") => {
                    amount.blobs += 1;
                    amount.bytes += bytes;
                }
                Ok(_) => {}
                // Removed meanwhile: nothing needed it.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(amount)
}

fn header(len: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(len);
    header.set_mode(0o600);
    header
}

fn add_bytes<W: Write>(archive: &mut Builder<W>, name: &str, bytes: &[u8]) -> io::Result<()> {
    archive.append_data(&mut header(bytes.len() as u64), name, bytes)
}

fn add_file<W: Write>(archive: &mut Builder<W>, name: &str, path: &Path) -> io::Result<u64> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    archive.append_data(&mut header(len), name, io::Read::take(file, len))?;
    Ok(len)
}

/// The archive holds the grid's keys.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
