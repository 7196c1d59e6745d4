//! Whether a job may run here at all: signatures against the pinned root, and the grant within what was signed.
//!
//! Pure: the clock and the highest serial seen are arguments. Nothing unsigned gets past this file.

use fallow_protocol::PublicKey;
use fallow_protocol::limits;
use fallow_protocol::link::JobGrant;
use fallow_protocol::manifest::{Limits, Manifest, ManifestError};

/// Largest component that a node fetches, bytes; operators may allow language runtimes of this size.
pub const MODULE_BYTES_MAX: u64 = 512 << 20;

/// Why a job is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The manifest is not signed as it must be, has expired, or is for another profile.
    #[error("module refused: {0}")]
    Manifest(#[from] ManifestError),
    /// The job allows its units more than the author signed.
    #[error("module refused: the job's limit `{name}` of {wanted} is above the {signed} that the author signed")]
    Limit {
        /// Which.
        name: &'static str,
        /// What the job says.
        wanted: u64,
        /// What the manifest says.
        signed: u64,
    },
    /// Something in the grant is beyond what any job may have.
    #[error("job refused: {0}")]
    Absurd(&'static str),
}

/// Check everything about a grant; the manifest that it carries is then trusted.
pub fn check(grant: &JobGrant, root: &PublicKey, unix_ms: u64, seen_serial: u64) -> Result<Manifest, GrantError> {
    let manifest = grant.manifest.verify(root, unix_ms, seen_serial)?;
    within(&grant.limits, &manifest.limits)?;
    sane(grant)?;
    Ok(manifest)
}

fn within(job: &Limits, signed: &Limits) -> Result<(), GrantError> {
    let pairs = [
        ("memory_bytes", job.memory_bytes, signed.memory_bytes),
        ("fuel", job.fuel, signed.fuel),
        ("wall_ms", job.wall_ms, signed.wall_ms),
        ("output_bytes", job.output_bytes, signed.output_bytes),
        ("emit_bytes", job.emit_bytes, signed.emit_bytes),
        ("log_bytes", job.log_bytes, signed.log_bytes),
        ("scratch_bytes", job.scratch_bytes, signed.scratch_bytes),
        ("checkpoint_bytes", job.checkpoint_bytes, signed.checkpoint_bytes),
    ];
    match pairs.into_iter().find(|(_, wanted, signed)| wanted > signed) {
        Some((name, wanted, signed)) => Err(GrantError::Limit { name, wanted, signed }),
        None => Ok(()),
    }
}

fn sane(grant: &JobGrant) -> Result<(), GrantError> {
    let arg_bytes: usize = grant.args.iter().map(String::len).sum();
    let checks = [
        (grant.module_bytes > MODULE_BYTES_MAX, "its module is larger than any node fetches"),
        (grant.limits.memory_bytes > limits::MEMORY_BYTES_MAX, "its units may use more memory than WebAssembly has"),
        (grant.args.len() > limits::JOB_ARGS_MAX, "it has too many arguments"),
        (arg_bytes > limits::JOB_ARGS_BYTES_MAX, "its arguments are too long"),
        (grant.shared.len() > limits::JOB_SHARED_MAX, "it has too many shared files"),
        (grant.name.len() > limits::NAME_BYTES_MAX, "its name is too long"),
    ];
    match checks.into_iter().find(|(wrong, _)| *wrong) {
        Some((_, why)) => Err(GrantError::Absurd(why)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use fallow_protocol::SecretKey;

    use super::*;
    use crate::agent::samples;

    #[test]
    fn a_rightly_signed_job_passes() {
        let grant = samples::grant(true);
        assert!(check(&grant, &samples::root().public(), samples::UNIX_MS, 0).is_ok());
    }

    #[test]
    fn unsigned_expired_and_foreign_modules_are_refused() {
        let (grant, root) = (samples::grant(true), samples::root().public());
        let mut tampered = grant.clone();
        let middle = tampered.manifest.authored.bytes.len() / 2;
        tampered.manifest.authored.bytes[middle] ^= 1;
        assert!(matches!(check(&tampered, &root, samples::UNIX_MS, 0), Err(GrantError::Manifest(_))));
        let other_root = SecretKey::generate().public();
        assert!(matches!(check(&grant, &other_root, samples::UNIX_MS, 0), Err(GrantError::Manifest(_))));
        let late = samples::UNIX_MS * 2;
        assert!(matches!(check(&grant, &root, late, 0), Err(GrantError::Manifest(_))));
        assert!(matches!(check(&grant, &root, samples::UNIX_MS, 9), Err(GrantError::Manifest(_))));
    }

    #[test]
    fn a_job_gets_no_more_than_was_signed() {
        let mut grant = samples::grant(true);
        grant.limits.fuel += 1;
        let refused = check(&grant, &samples::root().public(), samples::UNIX_MS, 0);
        assert!(matches!(refused, Err(GrantError::Limit { name: "fuel", .. })), "{refused:?}");
        let mut grant = samples::grant(true);
        grant.args = vec![String::new(); limits::JOB_ARGS_MAX + 1];
        assert!(matches!(check(&grant, &samples::root().public(), samples::UNIX_MS, 0), Err(GrantError::Absurd(_))));
    }
}
