;; expect: memory
(component (core module (memory 65537)))
