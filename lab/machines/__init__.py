"""Makes, links, breaks and removes lab machines: bare Debian with systemd and sshd, nothing else."""
