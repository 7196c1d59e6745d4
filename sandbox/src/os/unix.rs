//! Unix's calls through libc, each a line or two around one call.
#![allow(unsafe_code)] // The calls take integers, or pointers to values on our own stack.

use std::io;

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Make a child stand still. The caller holds the child, so that its id cannot be another's.
pub fn stop(pid: u32) -> io::Result<()> {
    check(unsafe { libc::kill(pid as libc::pid_t, libc::SIGSTOP) })
}

/// Let a child go on.
pub fn go_on(pid: u32) -> io::Result<()> {
    check(unsafe { libc::kill(pid as libc::pid_t, libc::SIGCONT) })
}

/// What every worker does first: lowest priority, no core files, gone with its parent, nothing open but its pipes.
pub fn begin_worker() {
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 19);
        libc::umask(0o077);
    }
    let _ = limit(libc::RLIMIT_CORE as _, 0);
    #[cfg(target_os = "linux")]
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0);
        // One inherited pipe holds a megabyte, so that a window of small units fits without a context switch each.
        libc::fcntl(1, libc::F_SETPIPE_SZ, 1 << 20);
        libc::fcntl(0, libc::F_SETPIPE_SZ, 1 << 20);
    }
}

/// Whether standard input has bytes, or has ended.
pub fn readable_now() -> bool {
    let mut poll = libc::pollfd { fd: 0, events: libc::POLLIN, revents: 0 };
    unsafe { libc::poll(&mut poll, 1, 0) > 0 }
}

/// Lower a resource limit, soft and hard.
pub fn limit(resource: u32, value: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: value as libc::rlim_t, rlim_max: value as libc::rlim_t };
    check(unsafe { libc::setrlimit(resource as _, &limit) })
}

/// CPU time of this process so far, microseconds.
pub fn cpu_time_us() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1_000
}

/// Attempts to leave the sandbox, for its own test: what was tried, and whether it was denied.
#[cfg(target_os = "linux")]
pub mod escapes {
    use std::io;

    fn denied(name: &str, result: i64) -> (String, bool) {
        (name.into(), result < 0)
    }

    /// A socket of the internet, and one between processes.
    pub fn sockets() -> Vec<(String, bool)> {
        let tries = [("socket inet", libc::AF_INET), ("socket inet6", libc::AF_INET6), ("socket unix", libc::AF_UNIX)];
        let opened =
            tries.map(|(name, family)| denied(name, unsafe { libc::socket(family, libc::SOCK_STREAM, 0) }.into()));
        opened.into()
    }

    /// Connecting, on a descriptor that is none: denied by the filter, not for the descriptor's sake.
    pub fn connect() -> (String, bool) {
        let address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
        let len = size_of::<libc::sockaddr_in>() as u32;
        let result = unsafe { libc::connect(0, (&raw const address).cast(), len) };
        ("connect".into(), result < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EPERM))
    }

    /// A second process.
    pub fn fork() -> (String, bool) {
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            unsafe { libc::_exit(0) };
        }
        denied("fork", pid.into())
    }

    /// Another program in this process.
    pub fn exec() -> (String, bool) {
        let path = c"/bin/true".as_ptr();
        let arguments = [path, std::ptr::null()];
        let environment = [std::ptr::null()];
        denied("exec", unsafe { libc::execve(path, arguments.as_ptr(), environment.as_ptr()) }.into())
    }

    /// Being traced, and tracing the parent.
    pub fn ptrace() -> Vec<(String, bool)> {
        let parent = unsafe { libc::getppid() };
        vec![
            denied("ptrace traceme", unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) }),
            denied("ptrace attach", unsafe { libc::ptrace(libc::PTRACE_ATTACH, parent, 0, 0) }),
        ]
    }

    /// A signal to the parent.
    pub fn kill() -> (String, bool) {
        denied("kill parent", unsafe { libc::kill(libc::getppid(), 0) }.into())
    }

    /// A thread, which a worker has no more need of.
    pub fn thread() -> (String, bool) {
        ("thread".into(), std::thread::Builder::new().spawn(|| ()).is_err())
    }
}
