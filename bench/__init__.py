"""Measurements of roost beside a peer that does the same: `python -m bench`, `make bench`."""
