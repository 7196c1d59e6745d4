//! Integers: a hash, a sort, calls, wide multiplication.

use sha2::{Digest, Sha256};

/// SHA-256 of 64 KiB, `rounds` times, each over the last one's digest.
pub fn sha_256(rounds: u64) -> u64 {
    let mut data = vec![7u8; 64 * 1024];
    for _ in 0..rounds {
        let digest = Sha256::digest(&data);
        data[..32].copy_from_slice(&digest);
    }
    u64::from_le_bytes(data[..8].try_into().expect("eight bytes"))
}

/// Sort 100,000 numbers, `rounds` times.
pub fn sort(rounds: u64) -> u64 {
    (0..rounds).fold(0, |sum, round| {
        let mut state = round + 1;
        let mut numbers: Vec<u64> = (0..100_000).map(|_| next(&mut state)).collect();
        numbers.sort_unstable();
        sum ^ numbers[50_000]
    })
}

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 11
}

/// The 27th Fibonacci number by calls, `rounds` times.
pub fn fib(rounds: u64) -> u64 {
    fn of(n: u64) -> u64 {
        if std::hint::black_box(n) < 2 { n } else { of(n - 1) + of(n - 2) }
    }
    (0..rounds).map(|_| of(27)).fold(0, u64::wrapping_add)
}

/// 64 x 64 to 128 bits, a million times a round: the heart of many random generators and of elliptic curves.
pub fn mul_128(rounds: u64) -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..rounds * 1_000_000 {
        let wide = u128::from(state) * 0xd134_2543_de82_ef95;
        state = (wide >> 64) as u64 ^ (wide as u64).wrapping_add(1);
    }
    state
}
