;; expect: "fallow:meter"
(component (core module (import "fallow:meter" "use" (func (param i64)))))
