"""Clusters whose agent dials out: tokens, who may connect, what is shown of them, and the agent's manifest. Pure."""
