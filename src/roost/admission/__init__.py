"""The validating webhook: the pure rules of api/ over HTTPS, on loopback."""
