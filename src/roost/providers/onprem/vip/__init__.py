"""The self-built VIP: haproxy and keepalived on every control plane, as one static Pod."""
