;; expect: fallow:task/host@2.0.0
(component (import "fallow:task/host@2.0.0" (instance)))
