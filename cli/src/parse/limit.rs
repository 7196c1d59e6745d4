//! `--limit NAME=VALUE`: one of a unit's limits.

use fallow_protocol::limits::MEMORY_BYTES_MAX;
use fallow_protocol::manifest::Limits;

use super::{duration, fuel, size};

/// One limit that the author set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitArg {
    /// Linear memory, bytes.
    Memory(u64),
    /// Fuel: about a nanosecond of one core each.
    Fuel(u64),
    /// Wall time, milliseconds.
    Time(u64),
    /// Output, bytes.
    Output(u64),
    /// Inputs that `split` emits, bytes.
    Emit(u64),
    /// Log, bytes.
    Log(u64),
    /// Scratch directory, bytes.
    Scratch(u64),
    /// One checkpoint, bytes.
    Checkpoint(u64),
}

impl LimitArg {
    /// Set it.
    pub fn apply(self, limits: &mut Limits) {
        match self {
            LimitArg::Memory(value) => limits.memory_bytes = value,
            LimitArg::Fuel(value) => limits.fuel = value,
            LimitArg::Time(value) => limits.wall_ms = value,
            LimitArg::Output(value) => limits.output_bytes = value,
            LimitArg::Emit(value) => limits.emit_bytes = value,
            LimitArg::Log(value) => limits.log_bytes = value,
            LimitArg::Scratch(value) => limits.scratch_bytes = value,
            LimitArg::Checkpoint(value) => limits.checkpoint_bytes = value,
        }
    }
}

/// Parse `memory=64MiB`, `fuel=2T`, `time=10m`, `output=1GiB`, `emit=…`, `log=…`, `scratch=…`, `checkpoint=…`.
pub fn limit(text: &str) -> Result<LimitArg, String> {
    let wrong = || {
        let names = "memory, fuel, time, output, emit, log, scratch or checkpoint";
        format!("expected NAME=VALUE like memory=64MiB, with {names} as name, not {text:?}")
    };
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    Ok(match name.trim() {
        "memory" => LimitArg::Memory(size(value)?).checked(value)?,
        "fuel" => LimitArg::Fuel(fuel(value)?),
        "time" => LimitArg::Time(u64::try_from(duration(value)?.as_millis()).unwrap_or(u64::MAX)),
        "output" => LimitArg::Output(size(value)?),
        "emit" => LimitArg::Emit(size(value)?),
        "log" => LimitArg::Log(size(value)?),
        "scratch" => LimitArg::Scratch(size(value)?),
        "checkpoint" => LimitArg::Checkpoint(size(value)?),
        _ => return Err(wrong()),
    })
}

impl LimitArg {
    fn checked(self, text: &str) -> Result<Self, String> {
        match self {
            LimitArg::Memory(bytes) if bytes > MEMORY_BYTES_MAX => {
                Err(format!("a unit's memory ends at 4GiB; {text} is more"))
            }
            other => Ok(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_set() {
        let mut limits = Limits::default();
        for text in ["memory=64MiB", "fuel=2T", "time=10m", "output=1GiB", "scratch=5MB"] {
            limit(text).unwrap().apply(&mut limits);
        }
        let wanted = Limits {
            memory_bytes: 64 << 20,
            fuel: 2_000_000_000_000,
            wall_ms: 600_000,
            output_bytes: 1 << 30,
            scratch_bytes: 5_000_000,
            ..Limits::default()
        };
        assert_eq!(limits, wanted);
    }

    #[test]
    fn wrong_limits_say_what_would_be_right() {
        assert!(limit("memory").unwrap_err().contains("memory=64MiB"));
        assert!(limit("cpu=3").unwrap_err().contains("scratch or checkpoint"));
        assert!(limit("memory=5GiB").unwrap_err().contains("4GiB"));
        assert!(limit("time=5").unwrap_err().contains("90s"));
    }
}
