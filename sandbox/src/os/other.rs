//! Systems without Unix's calls: every call says that it is not supported.

use std::io;

fn unsupported<T>() -> io::Result<T> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

pub fn stop(_pid: u32) -> io::Result<()> {
    unsupported()
}

pub fn go_on(_pid: u32) -> io::Result<()> {
    unsupported()
}

pub fn begin_worker() {}

pub fn readable_now() -> bool {
    false
}

pub fn cpu_time_us() -> u64 {
    0
}
