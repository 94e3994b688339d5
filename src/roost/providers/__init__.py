"""How a cluster comes to be, one folder each; none imports another."""
