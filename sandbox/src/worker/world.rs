//! The imports of `fallow:task`: what the host offers to a unit. Names and shapes are those of `protocol/wit/task.wit`.

use std::time::{Duration, Instant};

use fallow_protocol::limits::JOB_UNITS_MAX;
use fallow_protocol::outcome::LimitKind;
use rand_chacha::rand_core::Rng;
use wasmtime::component::{Linker, WasmList};
use wasmtime::{Result, StoreContext, StoreContextMut, bail};

use super::limits::{HostProblem, LimitHit, mib};
use super::state::{State, fuel_run};
use super::streams;
use crate::wire::{CHUNK_BYTES, Piece, Source, Told};

/// Interfaces of the host, with their version.
pub const HOST: &str = "fallow:task/host@1.0.0";
pub const EMIT: &str = "fallow:task/emit@1.0.0";
pub const PARTS: &str = "fallow:task/parts@1.0.0";

/// Random bytes in one call: a call costs the guest no fuel by its length.
pub const RANDOM_BYTES_MAX: u64 = 16 << 20;
/// Progress is told no more often.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Add the host's interfaces.
pub fn link(linker: &mut Linker<State>) -> Result<()> {
    let mut host = linker.instance(HOST)?;
    host.func_wrap("progress", |store, (done, total): (u64, u64)| progress(store, done, total))?;
    host.func_wrap("log", |store: StoreContextMut<'_, State>, (message,): (WasmList<u8>,)| {
        store.data().log.line(bytes(&store, &message));
        Ok(())
    })?;
    host.func_wrap("checkpoint", |store, (state,): (WasmList<u8>,)| checkpoint(store, &state))?;
    host.func_wrap("restore", |store: StoreContextMut<'_, State>, (): ()| Ok((store.data().restored.clone(),)))?;
    host.func_wrap("shared-len", |store: StoreContextMut<'_, State>, (name,): (WasmList<u8>,)| {
        Ok((shared(&store, &name).map(|(_, len)| len),))
    })?;
    host.func_wrap("shared-read", |store, (name, offset, len): (WasmList<u8>, u64, u32)| {
        Ok((shared_read(&store, &name, offset, len)?,))
    })?;
    host.func_wrap("random", |store, (len,): (u32,)| Ok((random(store, len)?,)))?;
    linker.instance(EMIT)?.func_wrap("unit", |store, (input,): (WasmList<u8>,)| emit(store, &input))?;
    linker.instance(PARTS)?.func_wrap("part", |store, (index,): (u32,)| Ok((part(&store, index)?,)))
}

fn bytes<'a>(store: &'a StoreContextMut<'_, State>, list: &WasmList<u8>) -> &'a [u8] {
    list.as_le_slice::<State>(StoreContext::from(store))
}

/// Fuel used so far, from zero also where the unit was resumed.
fn fuel(store: &StoreContextMut<'_, State>) -> u64 {
    store.data().fuel_before.saturating_add(fuel_run(store))
}

fn progress(mut store: StoreContextMut<'_, State>, done: u64, total: u64) -> Result<()> {
    store.data().check_nans()?;
    let state = store.data_mut();
    let now = Instant::now();
    let due = state.told_progress.is_none_or(|last| now.duration_since(last) >= PROGRESS_EVERY);
    if due {
        state.told_progress = Some(now);
        let told = Told::Progress { tag: store.data().tag, done, total, fuel: fuel(&store) };
        store.data().around.link.tell(&told);
    }
    Ok(())
}

fn checkpoint(mut store: StoreContextMut<'_, State>, list: &WasmList<u8>) -> Result<()> {
    store.data().check_nans()?;
    let max = store.data().around.limits.checkpoint_bytes;
    let len = list.len() as u64;
    // A job without checkpoints runs the same program.
    if max == 0 {
        return Ok(());
    }
    if len > max {
        let message = format!("a checkpoint of {}; the limit is {}", mib(len), mib(max));
        return Err(LimitHit::new(LimitKind::Output, message));
    }
    let fuel = fuel(&store);
    let state = bytes(&store, list).to_vec();
    let pieces = pieces(&state);
    let count = pieces.len();
    for (index, bytes) in pieces.into_iter().enumerate() {
        let told = Told::Checkpoint { bytes: bytes.to_vec(), fuel, last: index + 1 == count };
        store.data().around.link.tell(&told);
    }
    store.data_mut().restored = Some(state);
    Ok(())
}

/// Pieces of at most a chunk; one empty piece of nothing.
pub fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    if bytes.is_empty() { vec![bytes] } else { bytes.chunks(CHUNK_BYTES).collect() }
}

fn shared<'a>(store: &'a StoreContextMut<'_, State>, name: &WasmList<u8>) -> Option<(&'a std::fs::File, u64)> {
    let name = bytes(store, name);
    let found = store.data().around.shared.iter().find(|(known, ..)| known.as_bytes() == name);
    found.map(|(_, file, len)| (file, *len))
}

fn shared_read(
    store: &StoreContextMut<'_, State>,
    name: &WasmList<u8>,
    offset: u64,
    len: u32,
) -> Result<Option<Vec<u8>>> {
    let Some((file, file_len)) = shared(store, name) else { return Ok(None) };
    let len = u64::from(len).min(file_len.saturating_sub(offset));
    let max = store.data().around.limits.memory_bytes;
    if len > max {
        let message = format!("reading {} of a shared input at once; the limit is {}", mib(len), mib(max));
        return Err(LimitHit::new(LimitKind::Memory, message));
    }
    let mut bytes = vec![0; len as usize];
    match streams::read_at(file, &mut bytes, offset) {
        Ok(read) if read == bytes.len() => Ok(Some(bytes)),
        Ok(_) => Err(HostProblem("a shared input became shorter while it was read".into()).into()),
        Err(error) => Err(HostProblem(format!("failed to read a shared input: {error}")).into()),
    }
}

fn random(mut store: StoreContextMut<'_, State>, len: u32) -> Result<Vec<u8>> {
    if u64::from(len) > RANDOM_BYTES_MAX {
        bail!("random bytes are given at most {} at a time, not {}", mib(RANDOM_BYTES_MAX), mib(len.into()));
    }
    let mut bytes = vec![0; len as usize];
    store.data_mut().random.fill_bytes(&mut bytes);
    Ok(bytes)
}

fn emit(mut store: StoreContextMut<'_, State>, list: &WasmList<u8>) -> Result<()> {
    store.data().check_nans()?;
    let max = store.data().around.limits.emit_bytes;
    let (sum, units) = &mut store.data_mut().emitted;
    *sum += list.len() as u64;
    *units += 1;
    if *sum > max {
        let message = format!("emitting {} of inputs; the limit is {}", mib(*sum), mib(max));
        return Err(LimitHit::new(LimitKind::Output, message));
    }
    if *units > JOB_UNITS_MAX {
        return Err(LimitHit::new(LimitKind::Output, format!("emitting more than {JOB_UNITS_MAX} units")));
    }
    let pieces = pieces(bytes(&store, list));
    let count = pieces.len();
    for (index, bytes) in pieces.into_iter().enumerate() {
        store.data().around.link.tell_piece(&Piece::Emit { bytes, ends_unit: index + 1 == count });
    }
    Ok(())
}

fn part(store: &StoreContextMut<'_, State>, index: u32) -> Result<Option<Vec<u8>>> {
    let state = store.data();
    if index >= state.parts {
        return Ok(None);
    }
    let fetched = state.around.link.fetch(state.tag, Source::Part(index));
    let fetched = fetched.map_err(|error| HostProblem(format!("failed to ask for part {index}: {error}")))?;
    fetched.map_err(|message| HostProblem(format!("failed to read part {index}: {message}")).into())
}
