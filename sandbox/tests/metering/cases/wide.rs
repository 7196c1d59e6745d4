//! Arithmetic on integers of 128 bits.

use super::*;

const HALVES: [u64; 6] = [0, 1, u64::MAX, 1 << 63, (1 << 63) - 1, 0x9e37_79b9_7f4a_7c15];

fn halves(word: u128) -> Vec<Value> {
    vec![I64(word as u64), I64((word >> 64) as u64)]
}

#[test]
fn products_have_both_halves() {
    let wat = r#"(module
      (func (export "s") (param i64 i64) (result i64 i64) local.get 0 local.get 1 i64.mul_wide_s)
      (func (export "u") (param i64 i64) (result i64 i64) local.get 0 local.get 1 i64.mul_wide_u))"#;
    let pairs = HALVES.iter().flat_map(|a| HALVES.map(|b| [I64(*a), I64(b)]));
    let pairs: Vec<[Value; 2]> = pairs.collect();
    let calls: Vec<(&str, &[Value])> =
        pairs.iter().flat_map(|pair| [("s", pair.as_slice()), ("u", pair.as_slice())]).collect();
    let seen = run(wat, &calls);
    for (pair, seen) in pairs.iter().zip(seen.chunks_exact(2)) {
        let [I64(a), I64(b)] = *pair else { panic!("two numbers") };
        let signed = i128::from(a as i64) * i128::from(b as i64);
        assert_eq!(seen[0].outcome, Ok(halves(signed as u128)), "{a:#x} {b:#x}");
        assert_eq!(seen[1].outcome, Ok(halves(u128::from(a) * u128::from(b))), "{a:#x} {b:#x}");
    }
    assert!(fuel(&seen).iter().skip(1).all(|fuel| *fuel == cost("i64.mul_wide_s")));
}

#[test]
fn sums_carry_and_differences_borrow() {
    let wat = r#"(module
      (func (export "add") (param i64 i64 i64 i64) (result i64 i64)
        local.get 0 local.get 1 local.get 2 local.get 3 i64.add128)
      (func (export "sub") (param i64 i64 i64 i64) (result i64 i64)
        local.get 0 local.get 1 local.get 2 local.get 3 i64.sub128))"#;
    let words = HALVES.map(|low| [low, u64::MAX - low / 3]);
    let pairs = words.iter().flat_map(|a| words.map(|b| [I64(a[0]), I64(a[1]), I64(b[0]), I64(b[1])]));
    let pairs: Vec<[Value; 4]> = pairs.collect();
    let calls: Vec<(&str, &[Value])> =
        pairs.iter().flat_map(|pair| [("add", pair.as_slice()), ("sub", pair.as_slice())]).collect();
    let seen = run(wat, &calls);
    for (pair, seen) in pairs.iter().zip(seen.chunks_exact(2)) {
        let [I64(a), I64(a_high), I64(b), I64(b_high)] = *pair else { panic!("four numbers") };
        let [a, b] = [(a, a_high), (b, b_high)].map(|(low, high)| u128::from(high) << 64 | u128::from(low));
        assert_eq!(seen[0].outcome, Ok(halves(a.wrapping_add(b))), "{a:#x} {b:#x}");
        assert_eq!(seen[1].outcome, Ok(halves(a.wrapping_sub(b))), "{a:#x} {b:#x}");
    }
    assert!(fuel(&seen).iter().skip(1).all(|fuel| *fuel == cost("i64.add128")));
}
