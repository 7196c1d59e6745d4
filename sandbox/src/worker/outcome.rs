//! From what the engine says to how a unit ended.

use fallow_protocol::limits::MESSAGE_BYTES_KEPT;
use fallow_protocol::manifest::Limits;
use fallow_protocol::outcome::{LimitKind, Outcome};
use wasmtime::{Error, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::limits::{HostProblem, LimitHit, mib};
use super::state::State;

/// Frames of a trap that are shown.
const FRAMES_SHOWN: usize = 12;
/// Last part of the log that explains a failure.
const LOG_SHOWN: usize = 1024;

/// Room for what one call may hand over: outputs are compared with their own limit, guests' messages are short.
pub fn result_bytes_max(limits: &Limits) -> usize {
    let most = limits.output_bytes.max(64 << 10).saturating_add(4096);
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// Outcome and output of a call that returned.
pub fn returned(returned: Result<Vec<u8>, Vec<u8>>, limits: &Limits) -> (Outcome, Vec<u8>) {
    match returned {
        Ok(output) if output.len() as u64 > limits.output_bytes => {
            let [len, max] = [output.len() as u64, limits.output_bytes].map(mib);
            let message = format!("an output of {len}; the limit is {max}");
            (Outcome::Limit { limit: LimitKind::Output, message }, Vec::new())
        }
        Ok(output) => (Outcome::Done, output),
        Err(message) => (Outcome::GuestError { message: shortened(&String::from_utf8_lossy(&message)) }, Vec::new()),
    }
}

/// Exit code of a command, where it ended by itself.
pub fn exit_code(exit: wasmtime::Result<i32>) -> wasmtime::Result<i32> {
    exit.or_else(|error| match find::<I32Exit>(&error) {
        Some(exit) => Ok(exit.0),
        None => Err(error),
    })
}

/// What a command that ended by itself gave.
pub fn command(exit: i32, state: &State) -> wasmtime::Result<Result<Vec<u8>, Vec<u8>>> {
    if exit == 0 {
        return Ok(Ok(state.stdout.take()));
    }
    let tail = state.log.text(LOG_SHOWN);
    let end = if tail.is_empty() { String::new() } else { format!(": {tail}") };
    Ok(Err(format!("exit status {exit}{end}").into_bytes()))
}

/// Whatever else happened: a unit that used more than it may is over its limit. Found at calls to the host and here.
pub fn over_fuel(outcome: &Outcome, used: u64, limits: &Limits) -> Option<Outcome> {
    if used <= limits.fuel || matches!(outcome, Outcome::HostFault { .. }) {
        return None;
    }
    let message = format!("after {used} fuel; the limit is {}", limits.fuel);
    Some(Outcome::Limit { limit: LimitKind::Fuel, message })
}

/// Outcome of a call that did not return.
pub fn of_error(error: &Error, state: &State) -> Outcome {
    if let Some(hit) = find::<LimitHit>(error) {
        return Outcome::Limit { limit: hit.kind, message: hit.message.clone() };
    }
    if let Some(problem) = find::<HostProblem>(error) {
        return Outcome::HostFault { message: shortened(&problem.0) };
    }
    match find::<Trap>(error) {
        Some(trap) => Outcome::Trap { message: trap_message(&trap.to_string(), error, state) },
        None => of_other(error, state),
    }
}

fn of_other(error: &Error, state: &State) -> Outcome {
    let cause = error.root_cause().to_string();
    if cause.contains("(os error ") {
        return Outcome::HostFault { message: shortened(&format!("{error:#}")) };
    }
    if cause.contains("fuel allocated for hostcalls has been exhausted") {
        let message = format!("more than {} in one call", mib(result_bytes_max(&state.around.limits) as u64));
        return Outcome::Limit { limit: LimitKind::Output, message };
    }
    if let Some(exit) = find::<I32Exit>(error) {
        return Outcome::Trap { message: trap_message(&format!("exit with status {}", exit.0), error, state) };
    }
    Outcome::Trap { message: trap_message(&cause, error, state) }
}

/// Whether the computer failed, not the guest.
pub fn is_host(error: &Error) -> bool {
    find::<HostProblem>(error).is_some()
}

fn find<E: std::error::Error + Send + Sync + 'static>(error: &Error) -> Option<&E> {
    error.downcast_ref::<E>().or_else(|| error.chain().find_map(|cause| cause.downcast_ref::<E>()))
}

/// What broke: the guest's own panic where it wrote one, the trap, the frames.
fn trap_message(trap: &str, error: &Error, state: &State) -> String {
    let frames = error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default();
    let log = state.log.text(LOG_SHOWN);
    let message = match log.rfind("panicked at") {
        Some(at) => format!("{} ({trap}){frames}", log[at..].trim_end()),
        None => format!("{trap}{frames}"),
    };
    shortened(&message)
}

fn frames(backtrace: &WasmBacktrace) -> String {
    let named = backtrace.frames().iter().take(FRAMES_SHOWN);
    named.map(|frame| format!("\n  at {}", frame.func_name().unwrap_or("a function without a name"))).collect()
}

/// At most as long as a message may be, cut between letters.
fn shortened(message: &str) -> String {
    let end = message.floor_char_boundary(MESSAGE_BYTES_KEPT.min(message.len()));
    message[..end].to_owned()
}
