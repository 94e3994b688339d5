"""Release bundles: programs, images and manifests of one Kubernetes version as one OCI image layout."""
