//! Stub until the API's branch is merged: blobs on disk.
use fallow_protocol::Digest;
use std::path::PathBuf;
#[derive(Clone, Debug)]
pub struct BlobStore(pub PathBuf);
pub struct BlobWriter;
impl BlobStore {
    pub async fn put_bytes(&self, _bytes: &[u8]) -> std::io::Result<Digest> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
    pub async fn writer(&self) -> std::io::Result<BlobWriter> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
    pub async fn open(&self, _digest: &Digest) -> std::io::Result<tokio::fs::File> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
    pub async fn len(&self, _digest: &Digest) -> std::io::Result<u64> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
    pub fn path(&self, _digest: &Digest) -> PathBuf {
        self.0.clone()
    }
    pub async fn remove(&self, _digest: &Digest) -> std::io::Result<()> {
        Ok(())
    }
}
impl BlobWriter {
    pub async fn write(&mut self, _bytes: &[u8]) -> std::io::Result<()> {
        Ok(())
    }
    pub async fn finish(self) -> std::io::Result<(Digest, u64)> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}
