;; expect: compose into one module before submitting
(component
  (component $library
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 0))
      (func (export "f") (param i32 i32)))
    (core instance $i (instantiate $m))
    (func (export "say") (param "text" string)
      (canon lift (core func $i "f") (memory (core memory $i "m")) (realloc (core func $i "r")))))
  (instance $library (instantiate $library))
  (export "say" (func $library "say")))
