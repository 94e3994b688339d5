"""kubeadm as roost uses it: its configuration files and one thing per phase, without its preflight and waits."""
