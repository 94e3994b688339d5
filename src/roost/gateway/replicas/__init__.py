"""Several gateways before one platform API: who else is there, which tunnels end where, and the one hop between."""
