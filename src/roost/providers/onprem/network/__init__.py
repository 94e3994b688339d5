"""Network plugins: upstream manifests from the bundle with typed patches."""
