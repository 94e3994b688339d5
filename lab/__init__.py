"""Real machines and real Kubernetes on one Linux box, for tests, benchmarks and the demo.

Standard library only: the lab must run before anything of the project is installed.
"""
