//! The machine's own figures, so that runs on different machines can be compared; and what a process used.

use std::io::{Read, Write};
use std::time::Instant;

use anyhow::{Context, Result};

use super::figures::{Figures, quantile};

/// Clock ticks a second in `/proc`: fixed at 100 on Linux for programs.
const TICKS_PER_S: f64 = 100.0;

/// Tell fsyncs a second, the loopback's round trip and the processor time of one fixed kernel.
pub fn tell(figures: &Figures) -> Result<()> {
    figures.tell("machine_fsyncs_per_s", fsyncs_per_s()?, "/s");
    figures.tell("machine_loopback_us", loopback_us()?, "us");
    figures.tell("machine_kernel_ms", kernel_ms(), "ms");
    Ok(())
}

fn fsyncs_per_s() -> Result<f64> {
    let mut file = tempfile::tempfile()?;
    let began = Instant::now();
    for _ in 0..200 {
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
    }
    Ok(200.0 / began.elapsed().as_secs_f64())
}

fn loopback_us() -> Result<f64> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let mut near = std::net::TcpStream::connect(listener.local_addr()?)?;
    let (mut far, _) = listener.accept()?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let echo = std::thread::spawn(move || {
        let mut byte = [0];
        while far.read_exact(&mut byte).is_ok() && far.write_all(&byte).is_ok() {}
    });
    let mut times = Vec::new();
    for _ in 0..2_000 {
        let began = Instant::now();
        near.write_all(&[1])?;
        near.read_exact(&mut [0])?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    drop(near);
    let _ = echo.join();
    Ok(quantile(&mut times, 0.5))
}

fn kernel_ms() -> f64 {
    let mut times: Vec<f64> = (0..5)
        .map(|_| {
            let began = Instant::now();
            let mut state = 1u64;
            for _ in 0..20_000_000u32 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            }
            std::hint::black_box(state);
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    quantile(&mut times, 0.0)
}

/// Processor seconds that a process has used, user and system, with its dead children.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    Ok(ticks(pid, 11..15)? / TICKS_PER_S)
}

/// Sum of some fields of a process's `stat`, counted after the program's name.
fn ticks(pid: u32, fields: std::ops::Range<usize>) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let all: Vec<&str> = stat.rsplit_once(')').context("stat names the program")?.1.split_whitespace().collect();
    let wanted = all.get(fields).context("stat has these fields")?;
    Ok(wanted.iter().map(|field| field.parse::<f64>().unwrap_or(0.0)).sum())
}

/// Processor seconds that a process has used, user and system, without its children.
pub fn own_cpu_seconds(pid: u32) -> Result<f64> {
    Ok(ticks(pid, 11..13)? / TICKS_PER_S)
}

/// Most memory that a process ever held, bytes.
pub fn peak_memory(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("status tells the peak")?;
    let kib: f64 = line.split_whitespace().nth(1).context("with a number")?.parse()?;
    Ok(kib * 1024.0)
}

/// Processor time of all children that have ended, microseconds.
#[allow(unsafe_code)]
pub fn children_cpu_us() -> f64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `getrusage` writes one `rusage` to the pointer, which is valid for it; all zeroes are a valid value too.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr());
        usage.assume_init()
    };
    let us = |time: libc::timeval| time.tv_sec as f64 * 1e6 + time.tv_usec as f64;
    us(usage.ru_utime) + us(usage.ru_stime)
}
