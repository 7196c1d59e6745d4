;; expect: component
(module (func (export "_start")))
