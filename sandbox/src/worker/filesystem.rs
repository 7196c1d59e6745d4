//! The guest's view of its scratch directory: wasmtime's own file system behind a wrapper that counts what is written
//! and hides what differs between computers (times, inode numbers, the order of directories, readiness of streams).

use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{self, ErrorCode, Filesize};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult, IoError};

use super::streams::{FileInput, FileOutput, Written};

/// What the file system's functions work on.
pub struct FilesView<'a> {
    pub inner: WasiFilesystemCtxView<'a>,
    pub written: Written,
}

/// Names [`FilesView`] for the linker.
pub struct Files;

impl HasData for Files {
    type Data<'a> = FilesView<'a>;
}

/// A directory's entries, last first.
struct Listing(Vec<types::DirectoryEntry>);

/// What a new file, directory or link costs besides its bytes, so that empty files come to an end, too.
const ENTRY_BYTES: u64 = 4096;

impl FilesView<'_> {
    fn table(&mut self) -> &mut ResourceTable {
        self.inner.table
    }

    fn count(&self, bytes: u64) -> FsResult<()> {
        self.written.add(bytes).map_err(FsError::trap)
    }

    fn output(&mut self, fd: Resource<Descriptor>, position: Option<u64>) -> FsResult<Resource<DynOutputStream>> {
        let Descriptor::File(file) = self.table().get(&fd)? else { return Err(ErrorCode::IsDirectory.into_error()) };
        if file.perms.write_not_permitted() {
            return Err(ErrorCode::NotPermitted.into_error());
        }
        let stream = FileOutput { file: file.file.clone(), position, written: self.written.clone() };
        Ok(self.table().push(Box::new(stream) as DynOutputStream)?)
    }

    fn hash(path: &str) -> types::MetadataHashValue {
        let hash = blake3::hash(path.as_bytes());
        let (lower, upper) = hash.as_bytes()[..16].split_at(8);
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        types::MetadataHashValue { lower: number(lower), upper: number(upper) }
    }
}

/// The error type of wasmtime's file system is that of its asynchronous half.
trait IntoError {
    fn into_error(self) -> FsError;
}

impl IntoError for ErrorCode {
    fn into_error(self) -> FsError {
        use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode as Other;
        match self {
            ErrorCode::IsDirectory => Other::IsDirectory.into(),
            _ => Other::NotPermitted.into(),
        }
    }
}

fn timeless(stat: types::DescriptorStat) -> types::DescriptorStat {
    types::DescriptorStat {
        data_access_timestamp: None,
        data_modification_timestamp: None,
        status_change_timestamp: None,
        ..stat
    }
}

impl types::Host for FilesView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        self.inner.convert_error_code(error)
    }

    fn filesystem_error_code(&mut self, error: Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        types::Host::filesystem_error_code(&mut self.inner, error)
    }
}

impl types::HostDescriptor for FilesView<'_> {
    fn advise(&mut self, _: Resource<Descriptor>, _: Filesize, _: Filesize, _: types::Advice) -> FsResult<()> {
        Ok(())
    }

    fn sync_data(&mut self, _: Resource<Descriptor>) -> FsResult<()> {
        Ok(())
    }

    fn get_flags(&mut self, fd: Resource<Descriptor>) -> FsResult<types::DescriptorFlags> {
        self.inner.get_flags(fd)
    }

    fn get_type(&mut self, fd: Resource<Descriptor>) -> FsResult<types::DescriptorType> {
        self.inner.get_type(fd)
    }

    fn set_size(&mut self, fd: Resource<Descriptor>, size: Filesize) -> FsResult<()> {
        // Counted in full, not by growth: the count never falls.
        self.count(size)?;
        self.inner.set_size(fd, size)
    }

    fn set_times(&mut self, _: Resource<Descriptor>, _: types::NewTimestamp, _: types::NewTimestamp) -> FsResult<()> {
        Ok(())
    }

    fn read(&mut self, fd: Resource<Descriptor>, len: Filesize, offset: Filesize) -> FsResult<(Vec<u8>, bool)> {
        self.inner.read(fd, len, offset)
    }

    fn write(&mut self, fd: Resource<Descriptor>, bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        self.count(bytes.len() as u64)?;
        self.inner.write(fd, bytes, offset)
    }

    fn read_directory(&mut self, fd: Resource<Descriptor>) -> FsResult<Resource<types::DirectoryEntryStream>> {
        let stream = self.inner.read_directory(fd)?;
        let listing = self.table().delete(stream)?;
        let entries = listing.into_iter().map(|entry| entry.map(Into::into));
        let mut entries = entries.collect::<FsResult<Vec<types::DirectoryEntry>>>()?;
        entries.sort_by(|a, b| b.name.cmp(&a.name));
        let listing = self.table().push(Listing(entries))?;
        Ok(Resource::new_own(listing.rep()))
    }

    fn sync(&mut self, _: Resource<Descriptor>) -> FsResult<()> {
        Ok(())
    }

    fn create_directory_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        self.count(ENTRY_BYTES)?;
        self.inner.create_directory_at(fd, path)
    }

    fn stat(&mut self, fd: Resource<Descriptor>) -> FsResult<types::DescriptorStat> {
        self.inner.stat(fd).map(timeless)
    }

    fn stat_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::DescriptorStat> {
        self.inner.stat_at(fd, flags, path).map(timeless)
    }

    fn set_times_at(
        &mut self,
        _: Resource<Descriptor>,
        _: types::PathFlags,
        _: String,
        _: types::NewTimestamp,
        _: types::NewTimestamp,
    ) -> FsResult<()> {
        Ok(())
    }

    fn link_at(
        &mut self,
        _: Resource<Descriptor>,
        _: types::PathFlags,
        _: String,
        _: Resource<Descriptor>,
        _: String,
    ) -> FsResult<()> {
        // Links are what escapes are made of, and scratch needs none.
        Err(ErrorCode::NotPermitted.into_error())
    }

    fn open_at(
        &mut self,
        fd: Resource<Descriptor>,
        path_flags: types::PathFlags,
        path: String,
        open_flags: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        if open_flags.contains(types::OpenFlags::CREATE) {
            self.count(ENTRY_BYTES)?;
        }
        self.inner.open_at(fd, path_flags, path, open_flags, flags)
    }

    fn drop(&mut self, fd: Resource<Descriptor>) -> wasmtime::Result<()> {
        types::HostDescriptor::drop(&mut self.inner, fd)
    }

    fn readlink_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<String> {
        self.inner.readlink_at(fd, path)
    }

    fn remove_directory_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        self.inner.remove_directory_at(fd, path)
    }

    fn rename_at(
        &mut self,
        fd: Resource<Descriptor>,
        old_path: String,
        new_fd: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        self.count(ENTRY_BYTES)?;
        self.inner.rename_at(fd, old_path, new_fd, new_path)
    }

    fn symlink_at(&mut self, _: Resource<Descriptor>, _: String, _: String) -> FsResult<()> {
        Err(ErrorCode::NotPermitted.into_error())
    }

    fn unlink_file_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        self.inner.unlink_file_at(fd, path)
    }

    fn read_via_stream(&mut self, fd: Resource<Descriptor>, offset: Filesize) -> FsResult<Resource<DynInputStream>> {
        let Descriptor::File(file) = self.table().get(&fd)? else { return Err(ErrorCode::IsDirectory.into_error()) };
        let stream = FileInput { file: file.file.clone(), position: offset };
        Ok(self.table().push(Box::new(stream) as DynInputStream)?)
    }

    fn write_via_stream(&mut self, fd: Resource<Descriptor>, offset: Filesize) -> FsResult<Resource<DynOutputStream>> {
        self.output(fd, Some(offset))
    }

    fn append_via_stream(&mut self, fd: Resource<Descriptor>) -> FsResult<Resource<DynOutputStream>> {
        self.output(fd, None)
    }

    fn is_same_object(&mut self, a: Resource<Descriptor>, b: Resource<Descriptor>) -> wasmtime::Result<bool> {
        self.inner.is_same_object(a, b)
    }

    fn metadata_hash(&mut self, fd: Resource<Descriptor>) -> FsResult<types::MetadataHashValue> {
        self.table().get(&fd)?;
        Ok(Self::hash(""))
    }

    fn metadata_hash_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::MetadataHashValue> {
        self.inner.stat_at(fd, flags, path.clone())?;
        Ok(Self::hash(&path))
    }
}

impl types::HostDirectoryEntryStream for FilesView<'_> {
    fn read_directory_entry(
        &mut self,
        stream: Resource<types::DirectoryEntryStream>,
    ) -> FsResult<Option<types::DirectoryEntry>> {
        let listing = Resource::<Listing>::new_borrow(stream.rep());
        Ok(self.table().get_mut(&listing)?.0.pop())
    }

    fn drop(&mut self, stream: Resource<types::DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.table().delete(Resource::<Listing>::new_own(stream.rep()))?;
        Ok(())
    }
}
