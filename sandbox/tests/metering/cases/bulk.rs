//! Operations whose cost grows with a length, and growth.

use fallow_sandbox::instrument::costs::{Per, dynamic};

use super::*;

#[test]
fn lengths_cost_when_the_operation_is_executed() {
    let wat = r#"(module
      (memory (export "memory") 2)
      (data $d "0123456789abcdef0123456789abcdef")
      (func (export "fill") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 memory.fill)
      (func (export "copy") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 memory.copy)
      (func (export "init") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 memory.init $d)
      (func (export "drop") data.drop $d)
      (func (export "twice") (param i32) (result i32)
        i32.const 0 i32.const 1 local.get 0 memory.fill local.get 0 i32.popcnt
        i32.const 9 i32.const 0 local.get 0 i32.const 2 i32.mul memory.copy))"#;
    let seen = run(
        wat,
        &[
            ("fill", &[I32(3), I32(0x1ff), I32(1000)]),
            ("copy", &[I32(500), I32(0), I32(777)]),
            ("copy", &[I32(0), I32(500), I32(777)]),
            ("init", &[I32(9), I32(2), I32(7)]),
            ("init", &[I32(9), I32(2), I32(31)]),
            ("fill", &[I32(131_000), I32(1), I32(73)]),
            ("fill", &[I32(131_072), I32(1), I32(0)]),
            ("fill", &[I32(131_073), I32(1), I32(0)]),
            ("copy", &[I32(0), I32(0xffff_fff0), I32(0xffff_ffff)]),
            ("drop", &[]),
            ("init", &[I32(0), I32(0), I32(1)]),
            ("init", &[I32(0), I32(0), I32(0)]),
            ("twice", &[I32(4000)]),
        ],
    );
    let fuel = fuel(&seen);
    let fill = "memory.fill";
    assert_eq!(fuel[0], cost(fill) + dynamic(Per::Bytes, 1000));
    assert_eq!(fuel[3], cost(fill) + dynamic(Per::Bytes, 7));
    assert_eq!([fuel[4], fuel[5], fuel[7], fuel[8], fuel[10]], [0; 5]);
    assert_eq!(
        fuel[12],
        2 * cost(fill) + dynamic(Per::Bytes, 4000) + dynamic(Per::Bytes, 8000) + cost("i32.popcnt i32.mul")
    );
}

#[test]
fn growth_costs_only_what_succeeded() {
    let wat = r#"(module
      (memory (export "memory") 1 5)
      (table $t (export "table") 2 6 funcref)
      (func (export "grow") (param i32) (result i32) local.get 0 memory.grow memory.size i32.const 100 i32.mul i32.add)
      (func (export "table_grow") (param i32) (result i32)
        ref.null func local.get 0 table.grow $t table.size $t i32.const 100 i32.mul i32.add)
      (func (export "loop") (result i32) (local i32)
        loop i32.const 1 memory.grow i32.const -1 i32.ne local.get 0 i32.const 1 i32.add local.set 0 br_if 0 end
        local.get 0))"#;
    let seen = run(
        wat,
        &[
            ("grow", &[I32(0)]),
            ("grow", &[I32(2)]),
            ("grow", &[I32(3)]),
            ("grow", &[I32(u32::MAX)]),
            ("loop", &[]),
            ("table_grow", &[I32(0)]),
            ("table_grow", &[I32(3)]),
            ("table_grow", &[I32(2)]),
            ("table_grow", &[I32(u32::MAX)]),
        ],
    );
    let fuel = fuel(&seen);
    assert_eq!(fuel[1], fuel[0] + dynamic(Per::Pages, 2));
    assert_eq!([fuel[2], fuel[3]], [fuel[0]; 2]);
    assert_eq!(fuel[6], fuel[5] + dynamic(Per::TableElements, 3));
    assert_eq!([fuel[7], fuel[8]], [fuel[5]; 2]);
    assert_eq!(results(&seen)[4], I32(3));
}

#[test]
fn tables_are_filled_copied_and_initialised() {
    let wat = r#"(module
      (type $t (func (result i32)))
      (table $a (export "a") 8 funcref) (table $b 4 8 funcref)
      (elem $e func $one $two $one) (elem (table $b) (i32.const 1) func $two)
      (func $one (result i32) i32.const 1) (func $two (result i32) i32.const 2)
      (func (export "init") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 table.init $a $e)
      (func (export "copy") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 table.copy $a $b)
      (func (export "within") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 table.copy $a $a)
      (func (export "fill") (param i32 i32) local.get 0 ref.func $one local.get 1 table.fill $b)
      (func (export "drop") elem.drop $e)
      (func (export "call") (param i32) (result i32) local.get 0 call_indirect $b (type $t)))"#;
    let seen = run(
        wat,
        &[
            ("init", &[I32(1), I32(0), I32(3)]),
            ("copy", &[I32(4), I32(0), I32(4)]),
            ("within", &[I32(0), I32(1), I32(7)]),
            ("within", &[I32(2), I32(1), I32(7)]),
            ("fill", &[I32(1), I32(3)]),
            ("fill", &[I32(1), I32(4)]),
            ("call", &[I32(3)]),
            ("drop", &[]),
            ("init", &[I32(1), I32(0), I32(1)]),
            ("init", &[I32(1), I32(0), I32(0)]),
        ],
    );
    assert_eq!(fuel(&seen)[2], cost("table.copy") + dynamic(Per::Elements, 7));
    assert_eq!(fuel(&seen)[3], 0);
    assert_eq!(results(&seen[6..7]), [I32(1)]);
}

#[test]
fn segments_out_of_bounds_trap_at_the_start() {
    let wat = r#"(module (memory 1) (data (i32.const 65530) "0123456789") (func (export "f")))"#;
    assert_eq!(start_with(wat, &Setup::default(), &[])[0].outcome, Err(Trap::MemoryOutOfBounds));
    let wat = r#"(module (table 1 funcref) (elem (i32.const 1) $f) (func $f (export "f")))"#;
    assert_eq!(start_with(wat, &Setup::default(), &[])[0].outcome, Err(Trap::TableOutOfBounds));
}
