//! The limit, and counters that start high.

use super::*;

const TICKS: &str = r#"(module
      (import "env" "tick" (func $tick))
      (global (export "ticks") (mut i32) (i32.const 0))
      (func $work (param i32) loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end)
      (func (export "f") (param i32)
        loop
          i32.const 10 call $work
          global.get 0 i32.const 1 i32.add global.set 0
          call $tick
          local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0
        end)
      (func (export "never") (param i32) local.get 0 call $work))"#;

#[test]
fn the_limit_itself_may_be_reached_and_one_more_traps() {
    let free = run(TICKS, &[("f", &[I32(4)])]);
    let third = free[0].calls[2].fuel;
    for (limit, calls) in [(third, 3), (third - 1, 2), (third + 1, 3), (0, 0)] {
        let seen = run_with(TICKS, &Setup { limit, ..Setup::default() }, &[("f", &[I32(4)])]);
        assert_eq!(seen[0].outcome, Err(Trap::UnreachableCodeReached));
        assert_eq!(seen[0].calls.len(), calls, "limit {limit}");
        assert!(seen[0].fuel > limit);
    }
    let last = free[0].calls[3].fuel;
    let seen = run_with(TICKS, &Setup { limit: last, ..Setup::default() }, &[("f", &[I32(4)]), ("f", &[I32(1)])]);
    assert_eq!(seen[0].outcome, Ok(Vec::new()));
    // Used up: the next call comes as far as its first import.
    assert_eq!(seen[1].outcome, Err(Trap::UnreachableCodeReached));
}

#[test]
fn without_calls_outside_nothing_stops_at_the_limit() {
    let seen = run_with(TICKS, &Setup { limit: 3, ..Setup::default() }, &[("never", &[I32(50)])]);
    assert_eq!(seen[0].outcome, Ok(Vec::new()));
    assert!(seen[0].fuel > 3);
}

#[test]
fn counters_that_start_high_compare_without_sign_and_wrap() {
    let half = 1 << 63;
    let spent = run(TICKS, &[("f", &[I32(2)])])[0].calls[1].fuel;
    let setups = [
        (half - 20, half - 1),
        (half - 20, half),
        (half - 20, u64::MAX),
        (half - spent, half),
        (half - spent, half - 1),
        (u64::MAX - spent, u64::MAX),
        (u64::MAX - spent, u64::MAX - 1),
        (half + 5, 10),
        (5, half + 10),
        // The sum wraps below the limit.
        (u64::MAX - 10, u64::MAX),
        (u64::MAX, 1_000),
    ];
    let outcomes = setups.map(|(fuel, limit)| {
        let seen = run_with(TICKS, &Setup { fuel, limit, ..Setup::default() }, &[("f", &[I32(2)])]);
        seen[0].outcome.is_ok()
    });
    assert_eq!(outcomes, [false, false, true, true, false, true, false, false, true, true, true]);
}

#[test]
fn indirect_calls_stop_at_the_limit_where_they_may_leave_the_module() {
    let wat = r#"(module
      (import "env" "t" (table 4 funcref))
      (func (export "f") (param i32) (result i32) i32.const 1 i32.popcnt drop i32.const 7 i32.const 1
        call_indirect (param i32) (result i32)))"#;
    let needed = cost("i32.popcnt") + cost("call_indirect (result i32)");
    let run_to = |limit| run_with(wat, &Setup { limit, ..Setup::default() }, &[("f", &[I32(0)])]).remove(0);
    assert_eq!(run_to(needed).calls.len(), 1);
    let stopped = run_to(needed - 1);
    assert_eq!((stopped.outcome, stopped.calls.len()), (Err(Trap::UnreachableCodeReached), 0));
}

#[test]
fn floats_cost_the_same_whatever_is_done_about_nans() {
    let wat = r#"(module (func (export "f") (param f64 f64) (result f64 i64)
      local.get 0 local.get 1 f64.div local.get 0 f64.sqrt f64.min
      local.get 1 local.get 0 f64.mul i64.reinterpret_f64))"#;
    let ops = "f64.div f64.sqrt f64.min f64.mul i64.reinterpret_f64";
    let seen = run(wat, &[("f", &[F64(0), F64(0)]), ("f", &[F64(1.5f64.to_bits()), F64(2f64.to_bits())])]);
    assert_eq!(fuel(&seen), [cost(ops), cost(ops)]);
}
