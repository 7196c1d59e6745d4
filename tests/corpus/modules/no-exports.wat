;; expect: export
(component)
