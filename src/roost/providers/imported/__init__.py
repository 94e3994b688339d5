"""Clusters that exist already and whose API the platform reaches: looked at, adopted, followed, let go."""
