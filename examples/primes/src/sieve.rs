//! Segmented sieve of Eratosthenes over odd numbers, in windows that fit the processor's cache.

/// Odd numbers a window: one byte each.
const WINDOW: u64 = 32 * 1024;

/// Call `each` with every prime in `from..to`, in order.
pub fn for_each_prime(from: u64, to: u64, mut each: impl FnMut(u64)) {
    if from <= 2 && to > 2 {
        each(2);
    }
    let base = odd_primes_to(to.isqrt());
    let mut start = from.max(3) | 1;
    let mut composite = vec![false; WINDOW as usize];
    while start < to {
        let count = WINDOW.min((to - start).div_ceil(2));
        let window = &mut composite[..count as usize];
        strike(window, start, &base);
        window
            .iter()
            .zip((start..).step_by(2))
            .filter(|(composite, _)| !**composite)
            .for_each(|(_, prime)| each(prime));
        start += 2 * count;
        fallow::progress(start.min(to) - from, to - from);
    }
}

/// Mark the composite among the odd numbers from `start` on.
fn strike(window: &mut [bool], start: u64, base: &[u64]) {
    window.fill(false);
    let end = start + 2 * window.len() as u64;
    for &prime in base.iter().take_while(|prime| *prime * *prime < end) {
        let multiple = start.div_ceil(prime) | 1;
        let first = (multiple * prime).max(prime * prime);
        let mut at = ((first - start) / 2) as usize;
        while at < window.len() {
            window[at] = true;
            at += prime as usize;
        }
    }
}

/// Odd primes up to and with `limit`.
fn odd_primes_to(limit: u64) -> Vec<u64> {
    let mut composite = vec![false; (limit as usize).div_ceil(2) + 1];
    let mut primes = Vec::new();
    for number in (3..=limit).step_by(2) {
        if !composite[number as usize / 2] {
            primes.push(number);
            (number * number..=limit).step_by(2 * number as usize).for_each(|at| composite[at as usize / 2] = true);
        }
    }
    primes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_prime(number: u64) -> bool {
        number > 1 && (2..=number.isqrt()).all(|divisor| !number.is_multiple_of(divisor))
    }

    #[test]
    fn agrees_with_trial_division_at_every_edge() {
        for (from, to) in [(0, 0), (0, 3), (2, 3), (3, 3), (3, 4), (1, 200), (100_000, 170_000), (961, 962), (25, 50)] {
            let mut found = Vec::new();
            for_each_prime(from, to, |prime| found.push(prime));
            let expected: Vec<u64> = (from..to).filter(|number| is_prime(*number)).collect();
            assert_eq!(found, expected, "{from}..{to}");
        }
    }
}
