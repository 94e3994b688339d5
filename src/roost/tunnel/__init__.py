"""The tunnel that a registered cluster's agent dials out: protocol (sans-IO), server side (`server.Hub`), agent."""
