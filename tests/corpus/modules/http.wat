;; expect: wasi:http
(component (import "wasi:http/types@0.2.0" (instance)))
