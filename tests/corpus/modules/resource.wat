;; expect: defines a resource type of its own
(component (type $r (resource (rep i32))) (core func (canon resource.new $r)))
