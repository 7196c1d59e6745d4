//! The result as it emerges: its beginning as text or table, a picture, or its first files. Reads little, whatever a
//! guest wrote; nothing of it is ever rendered but pictures of four kinds and plain text.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use fallow_protocol::api::{JobPhase, Preview, PreviewFile, PreviewKind};
use fallow_protocol::job::Assemble;
use fallow_protocol::unit::{Output, STAGE_RUN};
use fallow_protocol::{Digest, JobId};

use super::JobError;
use crate::app::App;
use crate::store::jobs::{self as rows, JobRow};
use crate::store::units::{self, Ended};
use crate::workers::assemble::entry_name;

mod archive;
mod kind;
mod table;

pub use kind::{Kind, text};

/// Bytes of a result that are looked at.
const HEAD_BYTES: u64 = 256 * 1024;
/// Bytes of a file that tell its kind.
const SNIFF_BYTES: u64 = 512;
/// Files that are listed.
const FILES_MAX: usize = 100;
/// Units of a job among which files are looked for.
const UNITS_LOOKED_AT: u64 = 20_000;
/// Largest picture that is shown.
const IMAGE_BYTES_MAX: u64 = 64 << 20;
/// Bytes of a text file that are shown.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// Bytes that may be shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Where they are.
    pub bytes: Bytes,
    /// What they are: a picture or text.
    pub media_type: &'static str,
}

/// Where bytes are.
#[derive(Clone, Debug)]
pub enum Bytes {
    /// At hand.
    Inline(Vec<u8>),
    /// A part of a blob.
    Part {
        /// The blob.
        blob: Digest,
        /// Its first byte.
        offset: u64,
        /// Number of bytes.
        len: u64,
    },
}

impl From<Output> for Bytes {
    fn from(output: Output) -> Self {
        match output {
            Output::Inline(bytes) => Bytes::Inline(bytes),
            Output::Blob { digest, len } => Bytes::Part { blob: digest, offset: 0, len },
        }
    }
}

impl Bytes {
    fn len(&self) -> u64 {
        match self {
            Bytes::Inline(bytes) => bytes.len() as u64,
            Bytes::Part { len, .. } => *len,
        }
    }

    /// The first `max` of them.
    fn head(self, max: u64) -> Self {
        match self {
            Bytes::Inline(mut bytes) => {
                bytes.truncate(usize::try_from(max).unwrap_or(usize::MAX));
                Bytes::Inline(bytes)
            }
            Bytes::Part { blob, offset, len } => Bytes::Part { blob, offset, len: len.min(max) },
        }
    }
}

/// What a job has to show.
enum Found {
    /// One run of bytes; complete or not.
    One(Bytes),
    /// A file a unit.
    Files(Vec<Ended>),
}

/// The result so far.
pub async fn preview(app: &App, account: i64, id: &JobId) -> Result<Preview, JobError> {
    let row = own(app, account, id).await?;
    let complete = row.phase == JobPhase::Done;
    let stages = crate::store::stages::of_job(app.store.reader(), row.id).await?;
    let units_done = stages.iter().find(|stage| stage.stage == STAGE_RUN).map_or(0, |stage| stage.counts.done);
    let mut preview = match found(app, &row).await? {
        Found::One(bytes) => one(app, bytes).await?,
        Found::Files(units) => files(app, &row, units).await?,
    };
    (preview.complete, preview.units_done) = (complete, units_done);
    Ok(preview)
}

/// A file of the result so far, where it may be shown.
pub async fn preview_file(app: &App, account: i64, id: &JobId, index: u64) -> Result<Shown, JobError> {
    let row = own(app, account, id).await?;
    let missing = || JobError::NoFile { job: id.clone(), index };
    let bytes = match found(app, &row).await? {
        Found::Files(_) => {
            let index = index.min(i64::MAX as u64 - 1);
            let unit = units::outputs(app.store.reader(), row.id, STAGE_RUN, index, 1).await?.pop();
            unit.filter(|unit| unit.seq == index).and_then(|unit| unit.output).map(Bytes::from)
        }
        Found::One(bytes) => part(app, bytes, index).await?,
    };
    let bytes = bytes.ok_or_else(missing)?;
    let head = read(app, bytes.clone().head(SNIFF_BYTES)).await?;
    let kind = Kind::of(&head, bytes.len() <= SNIFF_BYTES);
    let media_type = kind.media_type().ok_or_else(|| JobError::NotShown("it is neither a picture nor text".into()))?;
    if kind.is_image() && bytes.len() > IMAGE_BYTES_MAX {
        return Err(JobError::NotShown(format!("a picture is shown up to {IMAGE_BYTES_MAX} bytes")));
    }
    let bytes = if kind == Kind::Text { bytes.head(TEXT_BYTES_MAX) } else { bytes };
    Ok(Shown { bytes, media_type })
}

async fn own(app: &App, account: i64, id: &JobId) -> Result<JobRow, JobError> {
    let row = rows::by_public_id(app.store.reader(), account, id).await?;
    row.ok_or_else(|| JobError::NotFound(id.clone()))
}

/// What there is. Outputs that are joined are one file; else each is a file of its own.
async fn found(app: &App, row: &JobRow) -> Result<Found, JobError> {
    let whole = row.result.as_ref().filter(|_| row.phase == JobPhase::Done);
    let db = app.store.reader();
    match (row.submission.assemble, whole) {
        (Assemble::Concat | Assemble::Merge, Some(result)) => {
            Ok(Found::One(Bytes::Part { blob: result.digest, offset: 0, len: result.len }))
        }
        (Assemble::Concat, None) => {
            let mut joined = Vec::new();
            // In order, and as far as there is no gap.
            for unit in units::outputs(db, row.id, STAGE_RUN, 0, 2_000).await? {
                let Some(output) = unit.output else { break };
                let room = HEAD_BYTES - joined.len() as u64;
                joined.extend(read(app, Bytes::from(output).head(room)).await?);
                if joined.len() as u64 >= HEAD_BYTES {
                    break;
                }
            }
            Ok(Found::One(Bytes::Inline(joined)))
        }
        (Assemble::Archive | Assemble::Merge, _) => {
            let units = units::done(db, row.id, STAGE_RUN, UNITS_LOOKED_AT, FILES_MAX as u64).await?;
            Ok(Found::Files(units))
        }
    }
}

/// The beginning of one run of bytes.
async fn one(app: &App, bytes: Bytes) -> Result<Preview, JobError> {
    let (len, head) = (bytes.len(), read(app, bytes.clone().head(HEAD_BYTES)).await?);
    let whole = len <= HEAD_BYTES;
    if head.is_empty() {
        return Ok(Preview::default());
    }
    let kind = Kind::of(&head, whole);
    let file = PreviewFile { index: 0, name: "result".into(), bytes: len, kind: kind.name().into() };
    if kind.is_image() {
        return Ok(Preview { kind: PreviewKind::Image, files: Some(vec![file]), ..Preview::default() });
    }
    if archive::is_tar(&head) {
        return listed(app, bytes).await;
    }
    match kind::text(&head, whole).filter(|_| kind == Kind::Text) {
        Some(text) => Ok(written(text, whole)),
        None => Ok(Preview { kind: PreviewKind::Files, files: Some(vec![file]), ..Preview::default() }),
    }
}

fn written(text: &str, whole: bool) -> Preview {
    match table::table(text, whole) {
        Some(table) => Preview {
            kind: PreviewKind::Table,
            columns: Some(table.columns),
            rows: Some(table.rows),
            ..Preview::default()
        },
        None => Preview { kind: PreviewKind::Text, text: Some(table::lines(text)), ..Preview::default() },
    }
}

/// The files of an archive.
async fn listed(app: &App, bytes: Bytes) -> Result<Preview, JobError> {
    let entries = entries(app, &bytes, FILES_MAX).await?;
    let mut files = Vec::with_capacity(entries.len());
    for (index, entry) in (0..).zip(entries) {
        let part = sub(&bytes, &entry);
        let head = read(app, part.head(SNIFF_BYTES)).await?;
        let kind = Kind::of(&head, entry.len <= SNIFF_BYTES);
        files.push(PreviewFile { index, name: entry.name, bytes: entry.len, kind: kind.name().into() });
    }
    Ok(Preview { kind: PreviewKind::Files, files: Some(files), ..Preview::default() })
}

/// File `index` of one run of bytes: of the archive that it is, else itself.
async fn part(app: &App, bytes: Bytes, index: u64) -> Result<Option<Bytes>, JobError> {
    let head = read(app, bytes.clone().head(SNIFF_BYTES)).await?;
    if !archive::is_tar(&head) {
        return Ok((index == 0).then_some(bytes));
    }
    let index = usize::try_from(index).ok().filter(|index| *index < FILES_MAX);
    let Some(index) = index else { return Ok(None) };
    let entries = entries(app, &bytes, index + 1).await?;
    Ok(entries.get(index).map(|entry| sub(&bytes, entry)))
}

fn sub(bytes: &Bytes, entry: &archive::Entry) -> Bytes {
    match bytes {
        Bytes::Part { blob, offset, .. } => Bytes::Part { blob: *blob, offset: offset + entry.offset, len: entry.len },
        Bytes::Inline(bytes) => {
            let first = usize::try_from(entry.offset).unwrap_or(usize::MAX).min(bytes.len());
            let last = first.saturating_add(entry.len as usize).min(bytes.len());
            Bytes::Inline(bytes[first..last].to_vec())
        }
    }
}

/// Files of an archive in a blob; what is at hand is too short to be one worth listing.
async fn entries(app: &App, bytes: &Bytes, max: usize) -> Result<Vec<archive::Entry>, JobError> {
    let Bytes::Part { blob, len, .. } = bytes else { return Ok(Vec::new()) };
    let (file, len) = (open(app, blob).await?, *len);
    blocking(move || archive::entries(&file, len, max)).await
}

/// Units' outputs as files.
async fn files(app: &App, row: &JobRow, units: Vec<Ended>) -> Result<Preview, JobError> {
    let mut files = Vec::with_capacity(units.len());
    for unit in units {
        let Some(output) = unit.output else { continue };
        let len = output.len();
        let head = read(app, Bytes::from(output).head(SNIFF_BYTES)).await?;
        let kind = Kind::of(&head, len <= SNIFF_BYTES);
        let name = kind::plain(&entry_name(&row.submission, unit.seq), 200);
        files.push(PreviewFile { index: unit.seq, name, bytes: len, kind: kind.name().into() });
    }
    let kind = if files.is_empty() { PreviewKind::None } else { PreviewKind::Files };
    Ok(Preview { kind, files: Some(files).filter(|files| !files.is_empty()), ..Preview::default() })
}

async fn open(app: &App, blob: &Digest) -> Result<File, JobError> {
    match app.blobs.open(blob).await {
        Ok(file) => Ok(file.into_std().await),
        Err(error) => Err(JobError::Internal(error.into())),
    }
}

async fn read(app: &App, bytes: Bytes) -> Result<Vec<u8>, JobError> {
    let (blob, offset, len) = match bytes {
        Bytes::Inline(bytes) => return Ok(bytes),
        Bytes::Part { blob, offset, len } => (blob, offset, len),
    };
    let file = open(app, &blob).await?;
    let read = move || {
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, offset).map(|()| bytes)
    };
    blocking(read).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, JobError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| JobError::Internal(error.into()))?;
    done.map_err(|error| JobError::Internal(error.into()))
}
