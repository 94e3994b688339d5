"""Talks to any Kubernetes API: client, watch, apply, kubeconfig, PKI."""
