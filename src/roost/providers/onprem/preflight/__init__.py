"""Preflight: what stands in the way of a cluster on these machines, told completely before anything is written."""
