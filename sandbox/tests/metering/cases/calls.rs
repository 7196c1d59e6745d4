//! Calls, and what is flushed before them.

use super::*;

#[test]
fn mutual_recursion_counts_every_frame() {
    let wat = r#"(module
      (func $even (export "even") (param i32) (result i32)
        local.get 0 i32.eqz if (result i32) i32.const 1 else local.get 0 i32.const 1 i32.sub call $odd end)
      (func $odd (param i32) (result i32)
        local.get 0 i32.eqz if (result i32) i32.const 0 else local.get 0 i32.const 1 i32.sub call $even i32.popcnt end)
      (func $fib (export "fib") (param i32) (result i32)
        local.get 0 i32.const 2 i32.lt_u if local.get 0 return end
        local.get 0 i32.const 1 i32.sub call $fib local.get 0 i32.const 2 i32.sub call $fib i32.add))"#;
    let seen = run(wat, &[("even", &[I32(9)]), ("even", &[I32(100)]), ("fib", &[I32(12)])]);
    assert_eq!(results(&seen), [I32(0), I32(1), I32(144)]);
}

#[test]
fn imports_see_what_was_counted_before_them() {
    let wat = r#"(module
      (import "env" "tick" (func $tick (param i32) (result i32)))
      (func $inner (param i32) local.get 0 call $tick drop local.get 0 i32.clz drop)
      (func (export "f") (param i32)
        loop
          local.get 0 i32.popcnt drop
          local.get 0 call $tick drop
          local.get 0 i32.const 1 i32.and if local.get 0 call $inner end
          local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0
        end))"#;
    let seen = run(wat, &[("f", &[I32(1)]), ("f", &[I32(5)])]);
    let call = cost("call $f");
    let before = cost("i32.popcnt") + call;
    let fuels: Vec<u64> = seen[0].calls.iter().map(|call| call.fuel).collect();
    // `$inner` may call the import, too: what `f` counted by then is flushed before it, and seen inside it.
    assert_eq!(fuels, [before, before + cost("i32.and if nop end") + 2 * call]);
    let after_first = cost("i32.and if nop end") + call + cost("i32.clz") + cost("i32.sub br_if 0");
    assert_eq!(seen[0].fuel, before + call + after_first);
    assert_eq!(seen[1].calls.len(), 2 + 5 + 3);
}

#[test]
fn start_functions_count_and_may_call_imports_and_trap() {
    let wat = r#"(module
      (import "env" "tick" (func $tick))
      (memory (export "memory") 1)
      (global $g (export "g") (mut i32) (i32.const 3))
      (start $start)
      (func $start global.get $g i32.const 4 i32.mul global.set $g call $tick
        i32.const 8 global.get $g i32.store)
      (func (export "f") (result i32) i32.const 8 i32.load))"#;
    let seen = start_with(wat, &Setup::default(), &[("f", &[])]);
    let globals = global_cost("global.get $g drop global.get $g global.set $g");
    assert_eq!(seen[0].fuel, cost("i32.mul i32.store") + cost("call $f") + globals);
    assert_eq!(seen[1].outcome, Ok(vec![I32(12)]));

    let wat = r#"(module (import "env" "tick" (func $tick)) (start $start)
      (func $start call $tick i32.const 1 i32.clz drop unreachable))"#;
    let seen = start_with(wat, &Setup::default(), &[]);
    assert_eq!(seen[0].outcome, Err(Trap::UnreachableCodeReached));
    assert_eq!(seen[0].fuel, cost("call $f") + cost("i32.clz"));
    // The engine calls an imported start function: the module ran nothing.
    let seen = start_with(r#"(module (import "env" "tick" (func $tick)) (start $tick))"#, &Setup::default(), &[]);
    assert_eq!((seen[0].fuel, seen[0].calls.len()), (0, 1));
}

fn global_cost(ops: &str) -> u64 {
    let core = wat::parse_str(format!("(module (global $g (mut i32) (i32.const 0)) (func {ops}))")).expect("text");
    let module = Module::read(&core);
    module.codes[0].ops.iter().map(|op| fallow_sandbox::instrument::costs::of(op).fixed).sum()
}

#[test]
fn traps_lose_what_was_not_flushed() {
    let wat = r#"(module
      (memory (export "memory") 1)
      (func $divide (param i32) (result i32)
        local.get 0 i32.clz drop i32.const 100 local.get 0 i32.div_u local.get 0 i32.popcnt drop)
      (func $ok (local i32) local.get 0 i32.clz drop)
      (func (export "f") (param i32) (result i32)
        local.get 0 i32.popcnt drop call $ok local.get 0 call $divide call $ok)
      (func (export "store") (param i32)
        i32.const 0 local.get 0 i32.store local.get 0 local.get 0 i32.store i32.const 4 local.get 0 i32.store)
      (func (export "nested") (param i32) local.get 0 i32.clz drop call $deep)
      (func $deep i32.const 1 i32.popcnt drop unreachable))"#;
    let seen = run(
        wat,
        &[
            ("f", &[I32(0)]),
            ("f", &[I32(5)]),
            ("store", &[I32(65_533)]),
            ("store", &[I32(0xffff_fffe)]),
            ("store", &[I32(16)]),
            ("nested", &[I32(1)]),
        ],
    );
    assert_eq!(seen[0].outcome, Err(Trap::IntegerDivisionByZero));
    let fuel = fuel(&seen);
    // Only `$ok` came to its end.
    assert_eq!(fuel[0], cost("i32.clz"));
    assert_eq!((fuel[2], fuel[3]), (0, 0));
    assert_eq!(fuel[5], cost("i32.popcnt unreachable"));
}

const INDIRECT: &str = r#"
      (type $t (func (result i32)))
      (func $clz (result i32) i32.const 1 i32.clz)
      (func $other (param i32))
      (func (export "f") (param i32) (result i32)
        local.get 0 i32.popcnt drop local.get 0 call_indirect (type $t) i32.const 1 i32.add)"#;

#[test]
fn indirect_calls_through_private_tables_flush_nothing() {
    let wat = format!(r#"(module {INDIRECT} (table 4 funcref) (elem (i32.const 0) $clz $other))"#);
    let seen = run(&wat, &[0, 1, 2, 9].map(I32).each_ref().map(|arg| ("f", std::slice::from_ref(arg))));
    let outcomes = seen.iter().skip(1).map(|seen| seen.outcome.clone().expect_err("a trap"));
    let expected = [Trap::BadSignature, Trap::IndirectCallToNull, Trap::TableOutOfBounds];
    assert_eq!(outcomes.collect::<Vec<_>>(), expected);
    assert_eq!(fuel(&seen)[1..], [0, 0, 0]);
}

#[test]
fn indirect_calls_that_may_leave_the_module_flush_first() {
    let flushed = cost("i32.popcnt call_indirect (result i32)");
    let own = r#"(table 4 funcref) (elem (i32.const 0) $clz $other)"#;
    let exported = format!(r#"(module {INDIRECT} {own} (export "t" (table 0)))"#);
    let imported = format!(r#"(module (import "env" "t" (table 6 funcref)) {INDIRECT})"#);
    let element = format!(r#"(module (import "env" "i" (func $i (result i32))) {INDIRECT} {own} (elem func $i))"#);
    let declared =
        format!(r#"(module (import "env" "i" (func $i (result i32))) {INDIRECT} {own} (elem declare func $i))"#);
    let global = format!(
        r#"(module (import "env" "i" (func $i (result i32))) {INDIRECT} {own} (global funcref (ref.func $i)))"#
    );
    let expression = format!(
        r#"(module (import "env" "i" (func $i (result i32))) {INDIRECT} {own} (elem funcref (ref.func $i) (ref.null func)))"#
    );
    for wat in [exported, element, declared, global, expression] {
        let seen = run(&wat, &[0, 1, 2, 9].map(I32).each_ref().map(|arg| ("f", std::slice::from_ref(arg))));
        assert_eq!(fuel(&seen)[1..], [flushed, flushed, flushed], "{wat}");
    }
    let seen = run(&imported, &[0, 1, 2, 3, 5, 9].map(I32).each_ref().map(|arg| ("f", std::slice::from_ref(arg))));
    assert_eq!(seen[5].calls.len(), 1);
    assert_eq!(seen[3].calls[0].fuel, 4 * flushed);
    assert_eq!(fuel(&seen), [flushed, flushed, flushed, flushed + cost("i32.add"), flushed, flushed]);
}

#[test]
fn one_shared_table_makes_all_indirect_calls_flush() {
    // A reference could have been copied over.
    let wat = r#"(module
      (type $t (func (result i32)))
      (table $mine 2 funcref) (table $shared (export "t") 2 funcref)
      (elem (table $mine) (i32.const 0) func $clz) (elem (table $shared) (i32.const 0) func $clz)
      (func $clz (result i32) i32.const 1 i32.clz)
      (func (export "mine") (param i32) (result i32) local.get 0 call_indirect $mine (type $t) i32.popcnt)
      (func (export "shared") (param i32) (result i32) local.get 0 call_indirect $shared (type $t) i32.popcnt))"#;
    let seen = run(wat, &[("mine", &[I32(1)]), ("shared", &[I32(1)]), ("mine", &[I32(0)]), ("shared", &[I32(0)])]);
    let fuel = fuel(&seen);
    assert_eq!(fuel[..2], [cost("call_indirect (result i32)"); 2]);
    assert_eq!(fuel[2], fuel[3]);
}

#[test]
fn references_move_between_tables_locals_and_globals() {
    let wat = r#"(module
      (type $t (func (result i32)))
      (table $a 3 10 funcref) (table $b (export "b") 3 funcref)
      (global $g (export "g") (mut funcref) (ref.null func))
      (elem declare func $one $two)
      (func $one (result i32) i32.const 1) (func $two (result i32) i32.const 2 i32.popcnt)
      (func (export "f") (param i32) (result i32) (local funcref)
        ref.func $one ref.func $two local.get 0 select (result funcref) local.tee 1 global.set $g
        i32.const 1 local.get 1 table.set $a
        i32.const 2 i32.const 1 table.get $a table.set $b
        i32.const 0 call_indirect $a (type $t) drop
        local.get 1 ref.is_null)
      (func (export "set0") (result i32) i32.const 0 global.get $g table.set $a
        i32.const 0 call_indirect $a (type $t) global.get $g ref.is_null i32.add)
      (func (export "out") i32.const 3 ref.null func table.set $a))"#;
    run(wat, &[("f", &[I32(0)]), ("set0", &[]), ("f", &[I32(1)]), ("f", &[I32(0)]), ("set0", &[]), ("out", &[])]);
}

#[test]
fn calls_that_never_return_are_flushed_before() {
    // As compilers write a panic: the function that is not in the way of any import keeps its count to the last.
    let wat = r#"(module
      (import "env" "tick" (func $tick))
      (func $panic i32.const 1 i32.ctz drop call $tick unreachable)
      (func $check (param i32) local.get 0 i32.eqz if call $panic unreachable end)
      (func (export "f") (param i32) local.get 0 i32.popcnt drop local.get 0 call $check call $tick))"#;
    let seen = run(wat, &[("f", &[I32(1)]), ("f", &[I32(0)])]);
    let (call, check) = (cost("call $f"), cost("i32.eqz if nop end"));
    assert_eq!(seen[0].calls[0].fuel, cost("i32.popcnt") + 2 * call + check);
    // `$check` returns or traps, so the count of `f` is lost with the trap; `$check` and `$panic` flushed theirs.
    assert_eq!(seen[1].fuel - seen[0].fuel, check + call + cost("i32.ctz") + call);
    assert_eq!(seen[1].outcome, Err(Trap::UnreachableCodeReached));
}
