"""The agent of a registered cluster: dials out, carries requests to its own API server, and enforces its policy.

Runs as a small image (`python -m roost.tunnel.agent`); imports the standard library, websockets and cryptography.
"""
