;; expect: evil:host/escape
(component (import "evil:host/escape@1.0.0" (instance)))
