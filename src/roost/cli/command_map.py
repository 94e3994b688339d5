"""Every command: the module that has its click object, and the id of its short help, in the order of `roost --help`.

Read by entry and groups. A literal, so that listing commands imports none of them.
"""

from __future__ import annotations

# Without typing: importing it takes longer than everything else that completing a command's name needs.
COMMANDS = {
    "up": ("roost.cli.up", "entry.up"),
    "down": ("roost.cli.down", "entry.down"),
    "status": ("roost.cli.status", "entry.status"),
    "login": ("roost.cli.login", "entry.login"),
    "logout": ("roost.cli.logout", "entry.logout"),
    "new": ("roost.cli.new", "entry.new"),
    "validate": ("roost.cli.validate", "entry.validate"),
    "plan": ("roost.cli.plan", "entry.plan"),
    "kubectl": ("roost.cli.kubectl", "entry.kubectl"),
    "clusters": ("roost.cli.clusters", "entry.clusters"),
    "progress": ("roost.cli.progress", "entry.progress"),
    "import": ("roost.cli.import_", "entry.import"),
    "register": ("roost.cli.register", "entry.register"),
    "kubeconfig": ("roost.cli.kubeconfig", "entry.kubeconfig"),
    "user": ("roost.cli.user", "entry.user"),
    "token": ("roost.cli.token", "entry.token"),
    "provider": ("roost.cli.provider", "entry.provider"),
    "address": ("roost.cli.address", "entry.address"),
    "audit": ("roost.cli.audit", "entry.audit"),
    "bundle": ("roost.cli.bundle", "entry.bundle"),
    "credential": ("roost.cli.credential", "entry.credential"),
    "completion": ("roost.cli.completion", "entry.completion"),
    "version": ("roost.cli.version", "entry.version"),
}
