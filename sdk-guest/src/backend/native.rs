//! The host's functions outside WebAssembly: a stand-in in the thread, which `testing` sets up and reads.

use std::cell::RefCell;

use crate::testing::State;

thread_local! {
    static HOST: RefCell<State> = RefCell::new(State::default());
}

/// Put `state` in place while `call` runs; gives it back with what was recorded. Not meant to be nested.
pub fn with_host<T>(state: &mut State, call: impl FnOnce() -> T) -> T {
    let before = HOST.with_borrow_mut(|host| std::mem::replace(host, std::mem::take(state)));
    let value = call();
    *state = HOST.with_borrow_mut(|host| std::mem::replace(host, before));
    value
}

pub fn progress(done: u64, total: u64) {
    HOST.with_borrow_mut(|host| host.progress.push((done, total)));
}

pub fn log(message: &[u8]) {
    HOST.with_borrow_mut(|host| host.log.push(String::from_utf8_lossy(message).into_owned()));
}

pub fn checkpoint(state: &[u8]) {
    HOST.with_borrow_mut(|host| host.checkpoints.push(state.to_vec()));
}

pub fn restore() -> Option<Vec<u8>> {
    HOST.with_borrow(|host| host.restore.clone())
}

pub fn shared_len(name: &[u8]) -> Option<u64> {
    HOST.with_borrow(|host| host.shared.get(name).map(|bytes| bytes.len() as u64))
}

pub fn shared_read(name: &[u8], offset: u64, len: u32) -> Option<Vec<u8>> {
    HOST.with_borrow(|host| {
        let bytes = host.shared.get(name)?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let to = from.saturating_add(len as usize).min(bytes.len());
        Some(bytes[from..to].to_vec())
    })
}

pub fn random(len: u32) -> Vec<u8> {
    HOST.with_borrow_mut(|host| (0..len).map(|_| host.random_byte()).collect())
}

pub fn unit(input: &[u8]) {
    HOST.with_borrow_mut(|host| host.units.push(input.to_vec()));
}

pub fn part(index: u32) -> Option<Vec<u8>> {
    HOST.with_borrow(|host| host.parts.get(index as usize).cloned().flatten())
}
