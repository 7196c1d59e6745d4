//! The processor's sticky flag of invalid operations, which is set where arithmetic makes a NaN.
//!
//! It is why most programs need no canonical build: a run that leaves it clear made no NaN whose bits could differ
//! from another processor's. False alarms (a signed saturating conversion out of range, arithmetic of the host's own
//! functions) cost a second run, never correctness. Quiet NaNs that come in as data do not set it.
//!
//! `unsafe`, because there is no other way to the register: the standard library's intrinsics for it are deprecated,
//! as compilers may move floating-point operations across them. Here these are in the guest's compiled code, behind
//! a call that no compiler looks into.
#![allow(unsafe_code)]

/// Whether the flag is known to work on this processor.
pub const KNOWN: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// Clear it.
#[cfg(target_arch = "x86_64")]
pub fn clear() {
    let status = status() & !1;
    // SAFETY: loads the register with what it held, except for one sticky flag; rounding and masks stay.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &status, options(nostack, readonly)) };
}

/// Whether it was set since.
#[cfg(target_arch = "x86_64")]
pub fn is_set() -> bool {
    status() & 1 == 1
}

#[cfg(target_arch = "x86_64")]
fn status() -> u32 {
    let mut status = 0_u32;
    // SAFETY: stores the register's 32 bits into a variable of 32 bits.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &mut status, options(nostack)) };
    status
}

/// Clear it.
#[cfg(target_arch = "aarch64")]
pub fn clear() {
    let status = status() & !1;
    // SAFETY: loads the register with what it held, except for one sticky flag.
    unsafe { std::arch::asm!("msr fpsr, {}", in(reg) status, options(nostack, nomem)) };
}

/// Whether it was set since.
#[cfg(target_arch = "aarch64")]
pub fn is_set() -> bool {
    status() & 1 == 1
}

#[cfg(target_arch = "aarch64")]
fn status() -> u64 {
    let status: u64;
    // SAFETY: reads a register.
    unsafe { std::arch::asm!("mrs {}, fpsr", out(reg) status, options(nostack, nomem)) };
    status
}

/// There is none that we know: canonical builds run instead.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn clear() {}

/// Never asked where it is not known.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn is_set() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn exactly_what_makes_a_nan_sets_it() {
        let zero = black_box(0.0_f64);
        let silent = [
            ("1/0", (|zero| 1.0 / zero) as fn(f64) -> f64),
            ("inexact", |zero| (zero + 1.0) / 3.0),
            ("overflow", |zero| (zero + 1e300) * 1e300),
            ("a quiet NaN as operand", |zero| zero + black_box(f64::from_bits(0x7ff8_0000_dead_beef))),
        ];
        for (name, compute) in silent {
            clear();
            black_box(compute(black_box(zero)));
            assert!(!is_set(), "{name}");
        }
        let heard = [
            ("0/0", (|zero| zero / zero) as fn(f64) -> f64),
            ("sqrt(-1)", |zero| (zero - 1.0).sqrt()),
            ("inf-inf", |zero| (1.0 / zero) - (1.0 / zero)),
        ];
        for (name, compute) in heard {
            clear();
            black_box(compute(black_box(zero)));
            assert!(is_set(), "{name}");
        }
        clear();
        assert!(!is_set());
    }
}
