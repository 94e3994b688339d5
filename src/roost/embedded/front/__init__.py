"""Serves the built-in registry at its external name: the process `registry-front`."""
