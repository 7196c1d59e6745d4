//! Makes inputs of units from a job's files: arithmetic where it can, else by reading the files once. Small inputs are
//! read into the input itself, so that no node has to fetch a blob for some bytes. Blocking; called off the runtime.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use fallow_protocol::Digest;
use fallow_protocol::limits::INLINE_BYTES_MAX;
use fallow_protocol::unit::{EmittedUnits, Input, Range};
use grid_core::split::{Cut, FileSpan, Mark, Span, SplitError, SplitPlan, check_total, guest_spans, read_lens};
use serde::{Deserialize, Serialize};

/// Bytes of a file read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// An input file on disk.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// Its name, for errors.
    pub name: String,
    /// The blob.
    pub blob: Digest,
    /// Its length, bytes.
    pub len: u64,
    /// Where it is.
    pub path: PathBuf,
}

/// Where cutting goes on. Kept in the stage's row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// File that is read now.
    pub file: usize,
    /// Where its cutter stands; for a guest's split, `offset` is where the next input begins.
    pub mark: Mark,
}

/// A batch of inputs.
#[derive(Debug, Default)]
pub struct Batch {
    /// The inputs in order.
    pub inputs: Vec<Input>,
    /// Where to go on.
    pub place: Place,
    /// Whether there are no more.
    pub done: bool,
}

/// Why inputs could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// The author's matter.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The server's matter.
    #[error("failed to read an input")]
    Read(#[from] io::Error),
}

/// About `wanted` inputs after the first `made`.
pub fn batch(plan: &SplitPlan, files: &[InputFile], place: Place, made: u64, wanted: u64) -> Result<Batch, CutError> {
    match plan {
        SplitPlan::Lines { .. } | SplitPlan::CsvRows { .. } => read_batch(plan, files, place, made, wanted),
        SplitPlan::Guest => Ok(Batch { inputs: vec![whole(files)?], place, done: true }),
        _ => counted_batch(plan, files, place, made, wanted),
    }
}

/// Units whose bytes are known by their number.
fn counted_batch(
    plan: &SplitPlan,
    files: &[InputFile],
    place: Place,
    made: u64,
    wanted: u64,
) -> Result<Batch, CutError> {
    let total = plan.units().unwrap_or(0);
    let to = total.min(made.saturating_add(wanted));
    let mut reader = Reader::new(files);
    let mut inputs = Vec::with_capacity((to - made.min(to)) as usize);
    for n in made..to {
        inputs.push(match plan {
            SplitPlan::Files { .. } => {
                let file = usize::try_from(n).unwrap_or(usize::MAX);
                let len = files.get(file).map_or(0, |file| file.len);
                reader.input(file, &[Span { offset: 0, len }])?
            }
            SplitPlan::Records(plan) => {
                let FileSpan { file, span } = plan.nth(n).ok_or_else(gone)?;
                reader.input(file, &[span])?
            }
            SplitPlan::Range(plan) => Input::Inline(plan.range_unit(n).ok_or_else(gone)?),
            SplitPlan::Grid(plan) => Input::Inline(plan.grid_unit(n).ok_or_else(gone)?),
            SplitPlan::Lines { .. } | SplitPlan::CsvRows { .. } | SplitPlan::Guest => return Err(gone().into()),
        });
    }
    Ok(Batch { inputs, place, done: to == total })
}

fn gone() -> io::Error {
    io::Error::other("a unit's input is not where its plan says")
}

/// Units that are found by reading.
fn read_batch(
    plan: &SplitPlan,
    files: &[InputFile],
    mut place: Place,
    made: u64,
    wanted: u64,
) -> Result<Batch, CutError> {
    let mut reader = Reader::new(files);
    let mut inputs = Vec::new();
    while place.file < files.len() && (inputs.len() as u64) < wanted {
        let ended = read_some(plan, files, &mut place, &mut reader, &mut inputs, wanted)?;
        if ended {
            place = Place { file: place.file + 1, mark: Mark::default() };
        }
        let total = made + inputs.len() as u64;
        if total > 0 {
            check_total(total, "raise split.per_unit")?;
        }
    }
    let done = place.file >= files.len();
    if done {
        check_total(made + inputs.len() as u64, "raise split.per_unit")?;
    }
    Ok(Batch { inputs, place, done })
}

/// Read on in one file until enough is found (false) or it ends (true).
fn read_some(
    plan: &SplitPlan,
    files: &[InputFile],
    place: &mut Place,
    reader: &mut Reader<'_>,
    inputs: &mut Vec<Input>,
    wanted: u64,
) -> Result<bool, CutError> {
    let file = &files[place.file];
    let mut cutter = plan.cutter(&file.name, place.mark).ok_or_else(gone)?;
    let (mut offset, mut cuts, mut chunk) = (place.mark.offset, Vec::new(), vec![0; CHUNK_BYTES]);
    while offset < file.len && (inputs.len() as u64) < wanted {
        let len = CHUNK_BYTES.min((file.len - offset) as usize);
        reader.file(place.file)?.read_exact_at(&mut chunk[..len], offset)?;
        offset += len as u64;
        cutter.push(&chunk[..len], &mut cuts)?;
        take(&mut cuts, place.file, reader, inputs)?;
    }
    if offset < file.len {
        place.mark = cutter.mark();
        return Ok(false);
    }
    cutter.finish(&mut cuts)?;
    take(&mut cuts, place.file, reader, inputs)?;
    Ok(true)
}

fn take(cuts: &mut Vec<Cut>, file: usize, reader: &mut Reader<'_>, inputs: &mut Vec<Input>) -> io::Result<()> {
    for cut in cuts.drain(..) {
        let spans: Vec<Span> = cut.spans().collect();
        inputs.push(reader.input(file, &spans)?);
    }
    Ok(())
}

/// All files, one after the other: what a guest's split reads.
fn whole(files: &[InputFile]) -> io::Result<Input> {
    let ranges: Vec<Range> = files.iter().map(|file| Range { blob: file.blob, offset: 0, len: file.len }).collect();
    if ranges.iter().map(|range| range.len).sum::<u64>() > INLINE_BYTES_MAX as u64 {
        return Ok(Input::Ranges(ranges));
    }
    let mut bytes = Vec::new();
    for file in files {
        bytes.extend(std::fs::read(&file.path)?);
    }
    Ok(Input::Inline(bytes))
}

/// About `wanted` inputs of a guest's split, whose output is `file`, after the first `made`.
pub fn emitted_batch(file: &InputFile, place: Place, made: u64, wanted: u64) -> Result<Batch, CutError> {
    let files = std::slice::from_ref(file);
    let mut reader = Reader::new(files);
    let opened = reader.file(0)?;
    let mut tail = [0; 8];
    let at = file.len.checked_sub(8).ok_or_else(|| SplitError::Emitted("it is empty".into()))?;
    opened.read_exact_at(&mut tail, at)?;
    let emitted = EmittedUnits::from_tail(file.len, &tail).map_err(|error| SplitError::Emitted(error.to_string()))?;
    check_total(emitted.count, "make larger units in the task's split")?;
    if made == 0 {
        let mut index = vec![0; (8 * emitted.count) as usize];
        opened.read_exact_at(&mut index, emitted.index_offset)?;
        guest_spans(&emitted, &read_lens(&index)?)?;
    }
    let to = emitted.count.min(made.saturating_add(wanted));
    let mut index = vec![0; (8 * (to - made.min(to))) as usize];
    opened.read_exact_at(&mut index, emitted.index_offset + 8 * made)?;
    let (mut offset, mut inputs) = (place.mark.offset, Vec::new());
    for len in read_lens(&index)? {
        inputs.push(reader.input(0, &[Span { offset, len }])?);
        offset += len;
    }
    let place = Place { file: 0, mark: Mark { offset, ..Mark::default() } };
    Ok(Batch { inputs, place, done: to == emitted.count })
}

/// Open files, one at a time.
struct Reader<'a> {
    files: &'a [InputFile],
    open: Option<(usize, File)>,
}

impl<'a> Reader<'a> {
    fn new(files: &'a [InputFile]) -> Self {
        Self { files, open: None }
    }

    fn file(&mut self, index: usize) -> io::Result<&File> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != index) {
            let file = self.files.get(index).ok_or_else(gone)?;
            self.open = Some((index, File::open(&file.path)?));
        }
        self.open.as_ref().map(|(_, file)| file).ok_or_else(gone)
    }

    /// Spans of one file as an input: the bytes themselves where they are few.
    fn input(&mut self, index: usize, spans: &[Span]) -> io::Result<Input> {
        let len: u64 = spans.iter().map(|span| span.len).sum();
        if len > INLINE_BYTES_MAX as u64 {
            let blob = self.files.get(index).ok_or_else(gone)?.blob;
            let range = |span: &Span| Range { blob, offset: span.offset, len: span.len };
            return Ok(Input::Ranges(spans.iter().map(range).collect()));
        }
        let (mut bytes, mut at) = (vec![0; len as usize], 0);
        if len > 0 {
            let file = self.file(index)?;
            for span in spans {
                let end = at + span.len as usize;
                file.read_exact_at(&mut bytes[at..end], span.offset)?;
                at = end;
            }
        }
        Ok(Input::Inline(bytes))
    }
}

#[cfg(test)]
mod tests;
