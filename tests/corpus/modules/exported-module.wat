;; expect: exports a core module
(component (core module $m) (export "m" (core module $m)))
