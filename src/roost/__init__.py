"""roost creates, attaches and looks after Kubernetes clusters. ARCHITECTURE.md shows the rooms."""

__version__ = "0.1.0"
