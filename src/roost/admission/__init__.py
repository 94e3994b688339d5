"""The validating webhook: the rules of api/ over HTTPS, on loopback, as a process of its own."""
