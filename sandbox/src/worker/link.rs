//! The worker's two pipes: orders in, tidings out. Tidings are gathered and written in groups; nothing is parsed
//! here beyond frames.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::wire::{self, Frames, Order, Piece, Source, TaskHead, Told};

/// Tidings are written at the latest after this time.
const FLUSH_AFTER: Duration = Duration::from_millis(4);
/// Tidings are written at once when they come to so many bytes.
const FLUSH_BYTES: usize = 64 << 10;
/// Tidings that wait while others are written: beyond, the guest waits. A unit that a split emits may have megabytes.
const WAITING_BYTES_MAX: usize = 8 << 20;

/// Both pipes; clones are the same pipes.
#[derive(Clone)]
pub struct Link(Arc<Pipes>);

struct Pipes {
    inbox: Mutex<Inbox>,
    /// Tidings that are not written yet.
    outbox: Mutex<Vec<u8>>,
    /// Taken before the outbox by whoever writes, so that tidings stay in order.
    writer: Mutex<Writer>,
    /// Woken when the outbox is no longer empty, and when it is worth writing.
    filled: Condvar,
}

struct Inbox {
    pipe: File,
    frames: Frames,
    /// Tasks that arrived while bytes for the running one were awaited.
    tasks: VecDeque<TaskHead>,
    chunk: Vec<u8>,
}

struct Writer {
    pipe: File,
    /// What is written, emptied: its room is used again.
    spare: Vec<u8>,
}

/// Locks survive a panic elsewhere: the process is about to end anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// Take over standard input and output.
    pub fn open() -> io::Result<Self> {
        let (input, output) = stdio()?;
        Ok(Self(Arc::new(Pipes {
            inbox: Mutex::new(Inbox {
                pipe: input,
                frames: Frames::default(),
                tasks: VecDeque::new(),
                chunk: vec![0; 256 << 10],
            }),
            outbox: Mutex::default(),
            writer: Mutex::new(Writer { pipe: output, spare: Vec::new() }),
            filled: Condvar::new(),
        })))
    }

    /// A link to nowhere, for guests that are run in the process itself.
    pub fn nowhere() -> io::Result<Self> {
        let null = if cfg!(windows) { "NUL" } else { "/dev/null" };
        let open = |write: bool| File::options().read(!write).write(write).open(null);
        Ok(Self(Arc::new(Pipes {
            inbox: Mutex::new(Inbox {
                pipe: open(false)?,
                frames: Frames::default(),
                tasks: VecDeque::new(),
                chunk: vec![0; 4096],
            }),
            outbox: Mutex::default(),
            writer: Mutex::new(Writer { pipe: open(true)?, spare: Vec::new() }),
            filled: Condvar::new(),
        })))
    }

    /// The next order; none when the parent has closed the pipe.
    pub fn next_order(&self) -> io::Result<Option<Order>> {
        lock(&self.0.inbox).order()
    }

    /// The next unit; none when the parent has closed the pipe. Writes out what was told before it waits.
    pub fn next_task(&self) -> io::Result<Option<TaskHead>> {
        let mut inbox = lock(&self.0.inbox);
        if let Some(task) = inbox.tasks.pop_front() {
            return Ok(Some(task));
        }
        let order = match inbox.frames.take()? {
            Some(order) => Some(order),
            None => {
                if !crate::os::readable_now() {
                    self.flush();
                }
                inbox.order()?
            }
        };
        match order {
            Some(Order::Task(task)) => Ok(Some(task)),
            None => Ok(None),
            Some(other) => Err(io::Error::other(format!("expected a task, not {other:?}"))),
        }
    }

    /// Ask for bytes and wait for all of them. None where there are none; an error message where they cannot be read.
    pub fn fetch(&self, tag: u64, source: Source) -> io::Result<Result<Option<Vec<u8>>, String>> {
        self.tell(&Told::Want { tag, source });
        self.flush();
        let mut inbox = lock(&self.0.inbox);
        let mut all = Vec::new();
        loop {
            match inbox.order()? {
                Some(Order::Task(task)) => inbox.tasks.push_back(task),
                Some(Order::Data { bytes, last }) => {
                    all.extend_from_slice(&bytes);
                    if last {
                        return Ok(Ok(Some(all)));
                    }
                }
                Some(Order::Missing) => return Ok(Ok(None)),
                Some(Order::Unreadable { message }) => return Ok(Err(message)),
                Some(other) => return Err(io::Error::other(format!("expected bytes, not {other:?}"))),
                // The parent is gone: there is nobody to tell anything.
                None => std::process::exit(0),
            }
        }
    }

    /// Tell the parent, some time soon.
    pub fn tell(&self, told: &Told) {
        self.put(told);
    }

    /// Tell the parent a piece of something long.
    pub fn tell_piece(&self, piece: &Piece<'_>) {
        self.put(piece);
    }

    fn put(&self, told: &impl Serialize) {
        let mut outbox = lock(&self.0.outbox);
        let empty = outbox.is_empty();
        if let Err(error) = wire::put(&mut outbox, told) {
            eprintln!("failed to encode a message: {error}");
            std::process::exit(1);
        }
        let len = outbox.len();
        drop(outbox);
        if len >= WAITING_BYTES_MAX {
            self.flush();
        } else if empty || len >= FLUSH_BYTES {
            self.0.filled.notify_one();
        }
    }

    /// Write out all that was told.
    pub fn flush(&self) {
        let mut writer = lock(&self.0.writer);
        let spare = std::mem::take(&mut writer.spare);
        let mut bytes = std::mem::replace(&mut *lock(&self.0.outbox), spare);
        // A parent that no longer reads is gone, and the worker has no purpose without it.
        if writer.pipe.write_all(&bytes).is_err() {
            std::process::exit(0);
        }
        bytes.clear();
        writer.spare = bytes;
    }

    /// Write out what is much at once and the rest every few milliseconds, for as long as the process lives: a unit may
    /// run for hours, and what it tells should not hold it up.
    pub fn flush_forever(&self) -> ! {
        loop {
            let outbox = lock(&self.0.outbox);
            let outbox = self.0.filled.wait_while(outbox, |outbox| outbox.is_empty());
            let outbox = outbox.unwrap_or_else(PoisonError::into_inner);
            let few = |outbox: &mut Vec<u8>| (1..FLUSH_BYTES).contains(&outbox.len());
            drop(self.0.filled.wait_timeout_while(outbox, FLUSH_AFTER, few));
            self.flush();
        }
    }
}

impl Inbox {
    fn order(&mut self) -> io::Result<Option<Order>> {
        loop {
            if let Some(order) = self.frames.take()? {
                return Ok(Some(order));
            }
            let len = self.pipe.read(&mut self.chunk)?;
            if len == 0 {
                return Ok(None);
            }
            self.frames.push(&self.chunk[..len]);
        }
    }
}

#[cfg(unix)]
fn stdio() -> io::Result<(File, File)> {
    use std::os::fd::AsFd;
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    Ok((input.into(), output.into()))
}

#[cfg(windows)]
fn stdio() -> io::Result<(File, File)> {
    use std::os::windows::io::AsHandle;
    let input = io::stdin().as_handle().try_clone_to_owned()?;
    let output = io::stdout().as_handle().try_clone_to_owned()?;
    Ok((input.into(), output.into()))
}
