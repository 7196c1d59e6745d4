;; expect: memory64
(component (core module (memory i64 1)))
