"""TLS connections that carry much: `transport.Wire`, and how one is dialled or taken (`connecting`)."""
