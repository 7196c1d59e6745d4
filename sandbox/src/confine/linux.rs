//! Linux: Landlock for files, network and signals; a seccomp filter of the few calls that are left; resource limits.

use std::collections::BTreeMap;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use super::{ConfineError, Confinement, Role};
use crate::os;

/// Open files: pipes, the module, shared inputs and what a guest opens in its scratch directory.
const OPEN_FILES_MAX: u64 = 256;

/// Both halves at once, for a process with one thread.
pub fn compile(confinement: &Confinement) -> Result<(), ConfineError> {
    // Where one of them is not there, the other one still is.
    let files = files(confinement);
    calls(confinement).and(files)
}

/// Files, network and signals, for this thread and those that it will make; and resource limits.
pub fn files(confinement: &Confinement) -> Result<(), ConfineError> {
    limits(confinement)?;
    landlock(confinement)
}

/// Files are denied by the kernel's first Landlock already, and a worker does without no part of that. What later kernels
/// added is asked for where it is known: the filter of calls denies sockets, signals and truncation by path besides, and
/// what it allows needs a file that was opened.
fn landlock(confinement: &Confinement) -> Result<(), ConfineError> {
    let rules = |error| ConfineError::failed("landlock", error);
    let mut created = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))
        .map_err(|_| ConfineError::Unsupported("Landlock for files"))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V5))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V5)))
        .and_then(|rules| rules.scope(Scope::from_all(ABI::V6)))
        .and_then(|rules| rules.create())
        .map_err(rules)?;
    if let Some(directory) = &confinement.directory {
        let opened = PathFd::new(directory).map_err(|error| ConfineError::failed("landlock", error))?;
        let allowed = AccessFs::from_all(ABI::V5) & !(AccessFs::Execute | AccessFs::MakeSock | AccessFs::MakeChar);
        created = created.add_rule(PathBeneath::new(opened, allowed)).map_err(rules)?;
    }
    let status = created.restrict_self().map_err(rules)?;
    // The first demand is met where the rest is met in part: without it, there would have been an error above.
    match status.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced if status.no_new_privs => Ok(()),
        _ => Err(ConfineError::Unsupported("Landlock for files")),
    }
}

fn limits(confinement: &Confinement) -> Result<(), ConfineError> {
    let limits = [
        (libc::RLIMIT_CORE, Some(0)),
        (libc::RLIMIT_NOFILE, Some(OPEN_FILES_MAX)),
        (libc::RLIMIT_MEMLOCK, Some(0)),
        (libc::RLIMIT_MSGQUEUE, Some(0)),
        (libc::RLIMIT_DATA, confinement.data_bytes),
        (libc::RLIMIT_AS, confinement.address_bytes),
        (libc::RLIMIT_CPU, confinement.cpu_secs),
    ];
    for (resource, value) in limits {
        if let Some(value) = value {
            os::limit(resource, value).map_err(|error| ConfineError::failed("resource limits", error))?;
        }
    }
    Ok(())
}

/// Calls, for all threads of the process.
pub fn calls(confinement: &Confinement) -> Result<(), ConfineError> {
    let failed = |error| ConfineError::failed("seccomp", error);
    if confinement.role == Role::Run {
        // All its threads are there by now.
        os::limit(libc::RLIMIT_NPROC, 0).map_err(|error| ConfineError::failed("resource limits", error))?;
    }
    let arch = std::env::consts::ARCH.try_into().map_err(|_| ConfineError::Unsupported("seccomp for its processor"))?;
    // The C library tries this one first and makes do with its predecessor, whose flags the other filter can see.
    let absent = BTreeMap::from([(libc::SYS_clone3, vec![])]);
    let absent_error = SeccompAction::Errno(libc::ENOSYS as u32);
    let absent = SeccompFilter::new(absent, SeccompAction::Allow, absent_error, arch).map_err(failed)?;
    let denied = SeccompAction::Errno(libc::EPERM as u32);
    let allowed = SeccompFilter::new(rules(confinement)?, denied, SeccompAction::Allow, arch).map_err(failed)?;
    for filter in [absent, allowed] {
        let program: BpfProgram = filter.try_into().map_err(failed)?;
        seccompiler::apply_filter_all_threads(&program).map_err(|error| ConfineError::failed("seccomp", error))?;
    }
    Ok(())
}

/// What every role needs: memory, its pipes, time, waiting, ending.
const ALWAYS: &[i64] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_ppoll,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_membarrier,
    libc::SYS_memfd_create,
    libc::SYS_ftruncate,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_clone3,
];

/// What files in the one directory need; Landlock says which.
const FILES: &[i64] = &[
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_getdents64,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_readlinkat,
    libc::SYS_pwrite64,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_fadvise64,
    libc::SYS_fcntl,
    libc::SYS_dup,
];

/// Calls that only the older processors' tables have.
#[cfg(target_arch = "x86_64")]
const FILES_OLD: &[i64] =
    &[libc::SYS_open, libc::SYS_stat, libc::SYS_lstat, libc::SYS_rename, libc::SYS_unlink, libc::SYS_rmdir];
#[cfg(target_arch = "x86_64")]
const ALWAYS_OLD: &[i64] = &[libc::SYS_poll];
#[cfg(not(target_arch = "x86_64"))]
const FILES_OLD: &[i64] = &[];
#[cfg(not(target_arch = "x86_64"))]
const ALWAYS_OLD: &[i64] = &[];

fn rules(confinement: &Confinement) -> Result<BTreeMap<i64, Vec<SeccompRule>>, ConfineError> {
    let mut calls: Vec<i64> = [ALWAYS, ALWAYS_OLD].concat();
    if confinement.directory.is_some() {
        calls.extend(FILES);
        calls.extend(FILES_OLD);
    }
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = calls.into_iter().map(|call| (call, vec![])).collect();
    // Its own signals, for aborting; others' are not its business.
    rules.insert(libc::SYS_tgkill, vec![equal(0, std::process::id().into())?]);
    // Images of memories, in anonymous files, of a build that came after the start.
    let seal = equal(1, libc::F_ADD_SEALS as u64)?;
    rules.entry(libc::SYS_fcntl).or_insert_with(|| vec![seal]);
    // Naming its threads.
    rules.insert(libc::SYS_prctl, vec![equal(0, libc::PR_SET_NAME as u64)?]);
    if confinement.role == Role::Compile {
        let thread = SeccompCmpOp::MaskedEq(libc::CLONE_THREAD as u64);
        rules.insert(libc::SYS_clone, vec![condition(0, thread, libc::CLONE_THREAD as u64)?]);
    }
    Ok(rules)
}

fn equal(argument: u8, value: u64) -> Result<SeccompRule, ConfineError> {
    condition(argument, SeccompCmpOp::Eq, value)
}

fn condition(argument: u8, compare: SeccompCmpOp, value: u64) -> Result<SeccompRule, ConfineError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, value)
        .and_then(|condition| SeccompRule::new(vec![condition]))
        .map_err(|error| ConfineError::failed("seccomp", error))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::net::TcpListener;

    use super::*;

    /// Landlock holds for the thread that asks for it alone, so that it can be tried without a process.
    #[test]
    fn a_thread_has_its_one_directory_and_no_other_file() {
        let (mine, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("secret"), b"x").unwrap();
        let (inside, outside) = (mine.path().to_owned(), other.path().to_owned());
        let tried = std::thread::spawn(move || {
            landlock(&Confinement::run(Some(inside.clone()))).unwrap();
            assert!(fs::write(inside.join("new"), b"y").is_ok());
            assert_eq!(fs::read(inside.join("new")).unwrap(), b"y");
            [
                ("reading", File::open(outside.join("secret")).is_err()),
                ("truncating", File::options().write(true).truncate(true).open(outside.join("secret")).is_err()),
                ("creating", fs::write(outside.join("new"), b"z").is_err()),
                ("listing", fs::read_dir(&outside).is_err()),
                ("removing", fs::remove_file(outside.join("secret")).is_err()),
                ("moving out", fs::rename(inside.join("new"), outside.join("new")).is_err()),
                ("linking", fs::hard_link(outside.join("secret"), inside.join("secret")).is_err()),
            ]
        });
        for (what, denied) in tried.join().unwrap() {
            assert!(denied, "{what} is not denied");
        }
        assert_eq!(fs::read(other.path().join("secret")).unwrap(), b"x");
        assert!(TcpListener::bind("127.0.0.1:0").is_ok(), "this thread is not confined");
    }
}
