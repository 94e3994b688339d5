"""Reaches a machine: asyncssh, SOCKS5, host keys, masked commands; a fake that passes the same contract suite."""
