;; The kernel of the node's benchmark: 20 million steps of integer work on an empty input, nothing on any other.
;; `kernel.wasm` is this file in binary.
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
    (func (export "run") (param i32 i32) (result i32) (local $left i32) (local $x i32)
      local.get 1
      i32.eqz
      if
        i32.const 20000000
        local.set $left
        loop $again
          local.get $x i32.const 1664525 i32.mul i32.const 1013904223 i32.add local.set $x
          local.get $left i32.const 1 i32.sub local.tee $left
          br_if $again
        end
      end
      ;; ok(list of the 4 bytes at 64)
      i32.const 64 local.get $x i32.store
      i32.const 16 i32.const 0 i32.store
      i32.const 20 i32.const 64 i32.store
      i32.const 24 i32.const 4 i32.store
      i32.const 16))
  (core instance $i (instantiate $m))
  (func $run (param "input" (list u8)) (result (result (list u8) (error (list u8))))
    (canon lift (core func $i "run") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (instance $exported (export "run" (func $run)))
  (export "fallow:task/run@1.0.0" (instance $exported)))
