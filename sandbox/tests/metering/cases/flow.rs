//! Blocks, loops and branches.

use super::*;

#[test]
fn straight_code_costs_its_operations() {
    let seen = run(
        "(module (func (export \"f\") (param i32) (result i32) local.get 0 i32.const 3 i32.mul i32.const 1 i32.add))",
        &[("f", &[I32(5)]), ("f", &[I32(6)])],
    );
    assert_eq!(results(&seen), [I32(16), I32(19)]);
    let once = cost("i32.mul i32.add");
    assert!(once > 0);
    assert_eq!(fuel(&seen), [once, once]);
}

#[test]
fn branches_leave_nested_blocks_at_any_depth() {
    let wat = r#"(module (func (export "f") (param i32) (result i32) (local i32)
        block $a
          block $b
            block $c
              local.get 0 i32.eqz br_if $c
              local.get 0 i32.const 1 i32.eq br_if $b
              local.get 0 i32.const 2 i32.eq br_if $a
              local.get 0 i32.const 3 i32.eq if local.get 0 i32.clz return end
              local.get 1 i32.const 1 i32.add local.set 1
            end
            local.get 1 i32.const 10 i32.mul i32.const 2 i32.add local.set 1
          end
          local.get 1 i32.const 10 i32.mul i32.const 3 i32.add local.set 1
        end
        local.get 1))"#;
    let seen = run(wat, &[0, 1, 2, 3, 4].map(I32).each_ref().map(|arg| ("f", std::slice::from_ref(arg))));
    assert_eq!(results(&seen), [23, 3, 0, 30, 123].map(I32));
    assert_eq!(fuel(&seen)[2], cost("i32.eqz br_if 0 i32.eq br_if 0 i32.eq br_if 0"));
}

#[test]
fn loops_with_several_back_edges() {
    let wat = r#"(module (func (export "f") (param i32) (result i32) (local i32 i32)
        loop $outer
          local.get 1 i32.const 1 i32.add local.set 1
          loop $inner
            local.get 2 i32.const 1 i32.add local.set 2
            local.get 2 i32.const 3 i32.rem_u br_if $inner
            local.get 2 local.get 0 i32.lt_u
            if
              local.get 2 i32.const 2 i32.and br_if $outer
              br $inner
            end
          end
          local.get 1 i32.const 7 i32.and i32.const 3 i32.ne br_if $outer
        end
        local.get 1 i32.const 1000 i32.mul local.get 2 i32.add))"#;
    run(wat, &[("f", &[I32(0)]), ("f", &[I32(1)]), ("f", &[I32(10)]), ("f", &[I32(500)])]);
}

#[test]
fn the_branch_back_does_not_run_the_loop_operation_again() {
    let wat = r#"(module (func (export "f") (param i32)
        loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end))"#;
    let seen = run(wat, &[("f", &[I32(1)]), ("f", &[I32(100)])]);
    let once = cost("i32.sub br_if 0");
    assert_eq!(fuel(&seen), [once, 100 * once]);
}

#[test]
fn br_table_to_several_depths_and_the_function() {
    let wat = r#"(module (func (export "f") (param i32) (result i32)
        block $a (result i32)
          block $b (result i32)
            block $c (result i32)
              i32.const 100
              local.get 0
              br_table $c $b 3 $a $c
            end
            i32.const 1 i32.add
          end
          i32.const 2 i32.mul
        end
        i32.const 7 i32.xor))"#;
    let seen = run(wat, &[0, 1, 2, 3, 4, 0xffff_ffff].map(I32).each_ref().map(|arg| ("f", std::slice::from_ref(arg))));
    assert_eq!(results(&seen), [205, 207, 100, 99, 205, 205].map(I32));
    assert_eq!(fuel(&seen)[2], cost("br_table 0"));
}

#[test]
fn br_table_within_a_loop_goes_back_and_out() {
    let wat = r#"(module (func (export "f") (param i32) (result i32) (local i32)
        block $out
          loop $again
            local.get 1 i32.const 1 i32.add local.set 1
            block $step
              local.get 0 local.get 1 i32.add i32.const 5 i32.rem_u
              br_table $again $step $step $out $again
            end
            local.get 0 i32.const 3 i32.add local.set 0
            local.get 1 i32.const 50 i32.lt_u br_if $again
          end
        end
        local.get 1))"#;
    run(wat, &[0, 1, 2, 3, 4].map(I32).each_ref().map(|arg| ("f", std::slice::from_ref(arg))));
}

#[test]
fn if_with_and_without_else() {
    let wat = r#"(module
      (func (export "alone") (param i32) (result i32) (local i32)
        local.get 0 if i32.const 5 local.get 0 i32.mul local.set 1 end local.get 1 i32.popcnt)
      (func (export "both") (param i32) (result i32)
        local.get 0 if (result i32) local.get 0 i32.clz i32.clz else local.get 0 i32.eqz end)
      (func (export "empty_else") (param i32) (result i32)
        local.get 0 if nop else end local.get 0)
      (func (export "carry") (param i32) (result i32)
        local.get 0 local.get 0 if (param i32) (result i32) i32.const 2 i32.mul else i32.const 1 i32.add end)
      (func (export "both_return") (param i32) (result i32)
        local.get 0 if (result i32) i32.const 1 i32.clz return else i32.const 2 return end i32.popcnt))"#;
    let (no, yes): (&[Value], &[Value]) = (&[I32(0)], &[I32(3)]);
    let calls = ["alone", "both", "empty_else", "carry", "both_return"].map(|name| [(name, no), (name, yes)]);
    let seen = run(wat, calls.as_flattened());
    assert_eq!(results(&seen), [0, 4, 1, 27, 0, 3, 1, 6, 2, 31].map(I32));
    assert_eq!(fuel(&seen)[0] + cost("i32.mul"), fuel(&seen)[1]);
    assert_eq!(fuel(&seen)[4], fuel(&seen)[5]);
}

#[test]
fn code_that_is_never_reached_costs_nothing() {
    let wat = r#"(module
      (func $never (result i32) i32.const 1 i32.clz)
      (func (export "after_br") (result i32)
        block (result i32) i32.const 4 br 0
          i32.clz i32.add call $never drop
          block loop br 1 br 0 end end
          if (result i32) i32.const 1 else call $never end
        end i32.popcnt)
      (func (export "after_return") (result i32)
        i32.const 4 i32.popcnt return loop (result i32) i32.const 1 br 0 end i32.add)
      (func (export "after_unreachable") (result i32)
        i32.const 9 i32.clz drop unreachable i32.add select i32.div_u)
      (func (export "after_br_table") (param i32) (result i32)
        block block local.get 0 br_table 0 1 if unreachable else nop end i32.clz drop end
        i32.const 1 i32.popcnt drop end i32.const 3)
      (func (export "endless_end") (param i32) (result i32)
        loop (result i32) local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 local.get 0 return end i32.clz))"#;
    let seen = run(
        wat,
        &[
            ("after_br", &[]),
            ("after_return", &[]),
            ("after_unreachable", &[]),
            ("after_br_table", &[I32(0)]),
            ("after_br_table", &[I32(7)]),
            ("endless_end", &[I32(3)]),
        ],
    );
    assert_eq!(seen[2].outcome, Err(Trap::UnreachableCodeReached));
    let fuel = fuel(&seen);
    assert_eq!(fuel[0], cost("br 0") + cost("i32.popcnt"));
    assert_eq!(fuel[1], cost("i32.popcnt return"));
    // `unreachable` flushes: what came before it is seen.
    assert_eq!(fuel[2], cost("i32.clz unreachable"));
    assert_eq!(fuel[3], fuel[4] + cost("i32.popcnt"));
}

#[test]
fn a_function_that_counts_nothing_may_hold_calls_that_are_never_reached() {
    let wat = r#"(module
      (import "env" "tick" (func $tick (result i32)))
      (table (export "t") 1 funcref)
      (func (export "call") (param v128) (result i32) unreachable call $tick)
      (func (export "indirect") (param v128) (result i32) unreachable i32.const 0 call_indirect (result i32))
      (func (export "copy") (param v128) unreachable table.copy)
      (func (export "grow") (param v128) (result i32) unreachable table.grow))"#;
    let calls = ["call", "indirect", "copy", "grow"].map(|name| (name, &[Value::V128(0)] as &[Value]));
    assert_eq!(fuel(&run(wat, &calls)), [0; 4]);
}

#[test]
fn branches_out_of_loops_carry_values() {
    let wat = r#"(module
      (func (export "find") (param i32) (result i32)
        block $found (result i32)
          loop $again
            local.get 0 local.get 0 i32.const 7 i32.rem_u i32.eqz br_if $found
            i32.const 1 i32.add local.set 0
            br $again
          end
          unreachable
        end
        i32.const 1000 i32.add)
      (func (export "loop_parameters") (param i32) (result i32 i64)
        local.get 0 i64.const 1
        loop $again (param i32 i64) (result i32 i64)
          local.get 0 i64.extend_i32_u i64.mul
          local.get 0 i32.const 1 i32.sub local.tee 0
          if (param i32 i64) (result i32 i64) br $again end
        end))"#;
    let seen = run(wat, &[("find", &[I32(15)]), ("find", &[I32(21)]), ("loop_parameters", &[I32(6)])]);
    assert_eq!(results(&seen[..2]), [I32(1021), I32(1021)]);
    assert_eq!(seen[2].outcome, Ok(vec![I32(6), I64(720)]));
}

#[test]
fn functions_end_in_every_way() {
    let wat = r#"(module
      (func (export "return_early") (param i32) (result i32) (local i32)
        loop local.get 1 i32.const 1 i32.add local.tee 1 local.get 0 i32.ge_u
          if local.get 1 return end br 0 end unreachable)
      (func (export "branch_out") (param i32) (result i32)
        local.get 0 block (param i32) (result i32) i32.const 1 i32.add local.get 0 br_if 1 i32.popcnt end i32.clz)
      (func (export "br_if_outermost") (param i32) (result i32)
        i32.const 40 local.get 0 br_if 0 i32.popcnt)
      (func (export "nothing"))
      (func (export "two") (param i32) (result i32 i32) local.get 0 local.get 0 i32.clz local.get 0 br_if 0 return))"#;
    let (no, yes): (&[Value], &[Value]) = (&[I32(0)], &[I32(3)]);
    let calls = ["return_early", "branch_out", "br_if_outermost", "two"].map(|name| [(name, no), (name, yes)]);
    run(wat, calls.as_flattened());
    assert_eq!(fuel(&run(wat, &[("nothing", &[])])), [0]);
}
