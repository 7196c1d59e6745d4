//! The feeding task of a worker: writes tasks as they come, and the bytes that the worker asks for.

use std::io;
use std::sync::Arc;

use fallow_protocol::manifest::Floats;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::process::ChildStdin;
use tokio::sync::mpsc;

use super::flight::{Held, Shared};
use super::later::Later;
use super::{Bytes, FileRange, Module, Task, TaskInput};
use crate::wire::{self, CHUNK_BYTES, INPUT_INLINE_BYTES, Order, Source, TaskHead};

/// Feed until the commanding end or the worker is gone.
pub async fn run(
    shared: Arc<Shared>,
    mut stdin: ChildStdin,
    mut tasks: mpsc::Receiver<Vec<Task>>,
    mut wants: mpsc::Receiver<(u64, Source)>,
    module: Module,
) {
    loop {
        // What the running unit waits for comes before what will run later.
        let fed = tokio::select! {
            biased;
            Some((tag, source)) = wants.recv() => match source {
                Source::Canonical => canonical(&module, &mut stdin).await,
                _ => answer(&shared, &mut stdin, tag, source).await,
            },
            Some(tasks) = tasks.recv() => send(&shared, &mut stdin, tasks).await,
            else => return,
        };
        if fed.is_err() {
            // The listener sees the worker's end, too, and tells it.
            shared.process.kill();
            return;
        }
    }
}

async fn send(shared: &Shared, stdin: &mut ChildStdin, tasks: Vec<Task>) -> io::Result<()> {
    let mut frames = Vec::new();
    for task in tasks {
        let inline = inline(&task.input).await?;
        let head = TaskHead {
            tag: task.tag,
            call: task.call,
            seed: task.seed,
            floats: task.floats,
            parts: match &task.input {
                TaskInput::Parts(parts) => u32::try_from(parts.len()).unwrap_or(u32::MAX),
                TaskInput::Bytes(_) => 0,
            },
            checkpoint_fuel: task.checkpoint.as_ref().map(|(_, fuel)| *fuel),
            input: inline,
        };
        let input = if head.input.is_some() { TaskInput::Parts(Vec::new()) } else { task.input };
        let state = task.checkpoint.map(|(state, _)| state);
        let held = Held { input, state, emit_to: task.emit_to, output_to: task.output_to };
        shared.flight().held.insert(task.tag, held);
        wire::put(&mut frames, &Order::Task(head))?;
        if frames.len() >= CHUNK_BYTES {
            stdin.write_all(&frames).await?;
            frames.clear();
        }
    }
    stdin.write_all(&frames).await
}

/// A short input, to go with its task. One that cannot be read is asked for later, and fails there.
async fn inline(input: &TaskInput) -> io::Result<Option<Vec<u8>>> {
    match input {
        TaskInput::Bytes(Bytes::Memory(bytes)) if bytes.len() <= INPUT_INLINE_BYTES => Ok(Some(bytes.clone())),
        TaskInput::Bytes(Bytes::Files(ranges)) => {
            let len: u64 = ranges.iter().map(|range| range.len).fold(0, u64::saturating_add);
            if len > INPUT_INLINE_BYTES as u64 || ranges.len() > 64 {
                return Ok(None);
            }
            let mut bytes = Vec::new();
            for range in ranges {
                let mut piece = vec![0; range.len as usize];
                let Ok(mut file) = open(range).await else { return Ok(None) };
                if file.read_exact(&mut piece).await.is_err() {
                    return Ok(None);
                }
                bytes.extend(piece);
            }
            Ok(Some(bytes))
        }
        _ => Ok(None),
    }
}

/// Compile the canonical build, where it is not there yet, and send it. It takes seconds, once a module.
async fn canonical(module: &Module, stdin: &mut ChildStdin) -> io::Result<()> {
    let compiled = module.compile(Floats::Canonical).await.map_err(|error| error.to_string());
    let range = match compiled {
        Ok(path) => tokio::fs::metadata(&path).await.map(|meta| FileRange { path, offset: 0, len: meta.len() }),
        Err(message) => return put(stdin, &Order::Unreadable { message }).await,
    };
    let unreadable = match range {
        Ok(range) => send_range(stdin, &range).await?,
        Err(error) => Some(error.to_string()),
    };
    match unreadable {
        Some(message) => put(stdin, &Order::Unreadable { message }).await,
        None => put(stdin, &Order::Data { bytes: Vec::new(), last: true }).await,
    }
}

async fn answer(shared: &Shared, stdin: &mut ChildStdin, tag: u64, source: Source) -> io::Result<()> {
    let bytes = shared.flight().held.get(&tag).and_then(|held| held.bytes(source));
    let bytes = match bytes {
        Some(Bytes::Later(later)) => match arrived(shared, &later).await {
            Ok(ranges) => Some(Bytes::Files(ranges)),
            Err(message) => return put(stdin, &Order::Unreadable { message }).await,
        },
        other => other,
    };
    match bytes {
        // What arrives is files.
        Some(Bytes::Later(_)) => put(stdin, &Order::Missing).await,
        None => put(stdin, &Order::Missing).await,
        Some(Bytes::Memory(bytes)) => {
            for piece in bytes.chunks(CHUNK_BYTES) {
                put(stdin, &Order::Data { bytes: piece.to_vec(), last: false }).await?;
            }
            put(stdin, &Order::Data { bytes: Vec::new(), last: true }).await
        }
        Some(Bytes::Files(ranges)) => {
            for range in &ranges {
                if let Some(message) = send_range(stdin, range).await? {
                    return put(stdin, &Order::Unreadable { message }).await;
                }
            }
            put(stdin, &Order::Data { bytes: Vec::new(), last: true }).await
        }
    }
}

async fn arrived(shared: &Shared, later: &Later) -> Result<Vec<FileRange>, String> {
    if let Some(there) = later.there() {
        return there;
    }
    shared.wait_begins();
    let ranges = later.arrived().await;
    shared.wait_ends();
    ranges
}

/// Send a range of a file; a message where it cannot be read.
async fn send_range(stdin: &mut ChildStdin, range: &FileRange) -> io::Result<Option<String>> {
    let unreadable = |error: io::Error| Some(format!("{}: {error}", range.path.display()));
    let mut file = match open(range).await {
        Ok(file) => file,
        Err(error) => return Ok(unreadable(error)),
    };
    let mut left = range.len;
    while left > 0 {
        let mut bytes = vec![0; left.min(CHUNK_BYTES as u64) as usize];
        if let Err(error) = file.read_exact(&mut bytes).await {
            return Ok(unreadable(error));
        }
        left -= bytes.len() as u64;
        put(stdin, &Order::Data { bytes, last: false }).await?;
    }
    Ok(None)
}

async fn open(range: &FileRange) -> io::Result<File> {
    let mut file = File::open(&range.path).await?;
    file.seek(io::SeekFrom::Start(range.offset)).await?;
    Ok(file)
}

/// Write one order.
pub async fn put(stdin: &mut ChildStdin, order: &Order) -> io::Result<()> {
    let mut frame = Vec::new();
    wire::put(&mut frame, order)?;
    stdin.write_all(&frame).await
}
