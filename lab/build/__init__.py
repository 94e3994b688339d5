"""Builds Kubernetes and its companions from source modules and lays them out as an upstream mirror."""
