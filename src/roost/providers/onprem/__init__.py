"""Makes a Kubernetes cluster on machines reached over SSH: preflight, phases, plan, undo."""
