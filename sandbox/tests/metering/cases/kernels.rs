//! Inner loops as compilers write them.

use super::*;

#[test]
fn a_dot_product_on_vectors() {
    let wat = r#"(module
      (memory (export "memory") 1)
      (func (export "fill") (param i32) (local i32)
        loop
          local.get 1 i32.const 4 i32.shl
          local.get 1 f32.convert_i32_u f32x4.splat
          f32.const 0.5 f32x4.replace_lane 2
          v128.store
          local.get 1 i32.const 1 i32.add local.tee 1
          local.get 0 i32.lt_u br_if 0
        end)
      (func (export "dot") (param i32) (result f32) (local v128 i32)
        block
          local.get 0 i32.eqz br_if 0
          loop
            local.get 1
            local.get 2 v128.load local.get 2 v128.load offset=16 f32x4.mul
            f32x4.add local.set 1
            local.get 2 i32.const 32 i32.add local.set 2
            local.get 0 i32.const 2 i32.sub local.tee 0 br_if 0
          end
        end
        local.get 1 f32x4.extract_lane 0 local.get 1 f32x4.extract_lane 1 f32.add
        local.get 1 f32x4.extract_lane 2 local.get 1 f32x4.extract_lane 3 f32.add f32.add))"#;
    let seen = run(wat, &[("fill", &[I32(100)]), ("dot", &[I32(0)]), ("dot", &[I32(10)]), ("dot", &[I32(100)])]);
    // Of neighbours: 0 * 1 + 2 * 3 + 4 * 5 + ... in three lanes, and of halves in one.
    let expected = 3 * (0..10).step_by(2).map(|i| i * (i + 1)).sum::<u32>();
    assert_eq!(seen[2].outcome, Ok(vec![Value::F32((expected as f32 + 5.0 * 0.25).to_bits())]));
    let round = cost("v128.load offset=16 f32x4.mul f32x4.add i32.add i32.sub br_if 0") + cost("v128.load");
    assert_eq!(fuel(&seen)[3] - fuel(&seen)[2], 45 * round);
}

#[test]
fn mandelbrot_with_early_exits() {
    let wat = r#"(module (func (export "inside") (param f64 f64 i32) (result i32) (local f64 f64 f64)
        block $done
          loop $again
            local.get 3 local.get 3 f64.mul local.get 4 local.get 4 f64.mul f64.add f64.const 4 f64.ge br_if $done
            local.get 3 local.get 3 f64.mul local.get 4 local.get 4 f64.mul f64.sub local.get 0 f64.add local.set 5
            f64.const 2 local.get 3 f64.mul local.get 4 f64.mul local.get 1 f64.add local.set 4
            local.get 5 local.set 3
            local.get 2 i32.const 1 i32.sub local.tee 2 br_if $again
          end
        end
        local.get 2))"#;
    let point = |x: f64, y: f64| [F64(x.to_bits()), F64(y.to_bits()), I32(100)];
    let points = [point(0.0, 0.0), point(2.0, 0.0), point(-0.7, 0.3), point(f64::NAN, 0.0), point(0.3, 0.6)];
    let seen = run(wat, &points.each_ref().map(|args| ("inside", args.as_slice())));
    assert_eq!(results(&seen)[..2], [I32(0), I32(99)]);
}
