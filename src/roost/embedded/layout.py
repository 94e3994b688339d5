"""Where everything lies in the data directory. Pure paths; the one place that knows the names.

Called by every module of this room, and by CLI commands that need the administrator's kubeconfig.
Standard library only: `roost kubectl` must start fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ENVIRONMENT: Final = "ROOST_DATA_DIR"


def default_root(environment: Mapping[str, str], *, user_id: int) -> Path:
    """ROOST_DATA_DIR, else the system's place for root, else the user's own."""
    if environment.get(ENVIRONMENT):
        return Path(environment[ENVIRONMENT])
    if user_id == 0:
        return Path("/var/lib/roost-platform")
    data_home = environment.get("XDG_DATA_HOME") or f"{environment.get('HOME', '/')}/.local/share"
    return Path(data_home) / "roost"


@dataclass(frozen=True)
class Layout:
    """Paths below one data directory."""

    root: Path

    @property
    def record(self) -> Path:
        """What was chosen at the first start; later commands need no flags."""
        return self.root / "platform.json"

    @property
    def admin_kubeconfig(self) -> Path:
        return self.root / "admin.kubeconfig"

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def pki_checked(self) -> Path:
        return self.pki / "checked.json"

    def certificate(self, name: str) -> Path:
        return self.pki / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.pki / f"{name}.key"

    @property
    def machines_ca(self) -> Path:
        """The CA that each machine is given: it vouches for what machines and people reach over TLS."""
        return self.certificate("serving-ca")

    @property
    def etcd(self) -> Path:
        return self.root / "etcd"

    @property
    def registry(self) -> Path:
        return self.root / "registry"

    @property
    def pushed(self) -> Path:
        """Which bundles the registry holds in full: version to digest."""
        return self.registry / "pushed.json"

    def registry_config(self, name: str) -> Path:
        return self.config / f"{name}.yaml"

    @property
    def bundles(self) -> Path:
        return self.root / "bundles"

    def programs(self, version: str) -> Path:
        return self.root / "programs" / version

    @property
    def config(self) -> Path:
        return self.root / "config"

    def kubeconfig(self, user: str) -> Path:
        """Kubeconfig of one of the platform's own processes: controllers, admission, controller-manager."""
        return self.config / f"{user}.kubeconfig"

    @property
    def own_token(self) -> Path:
        """With it the platform's own processes reach clusters through the gateway."""
        return self.config / "gateway.token"

    @property
    def first_password(self) -> Path:
        """Of the first administrator, until it is changed."""
        return self.root / "administrator.password"

    @property
    def gateway_addresses(self) -> Path:
        """Further names and addresses that the gateway's certificate vouches for: a JSON list."""
        return self.config / "gateway-addresses.json"

    @property
    def audit(self) -> Path:
        """The gateway's audit log."""
        return self.root / "audit"

    @property
    def encryption(self) -> Path:
        return self.config / "encryption.json"

    @property
    def audit_policy(self) -> Path:
        return self.config / "audit-policy.json"

    @property
    def applied(self) -> Path:
        return self.config / "applied.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it lives; holds its pid."""
        return self.run / "up.lock"

    @property
    def ready(self) -> Path:
        """Exists while the platform is ready; holds how it was started."""
        return self.run / "ready.json"

    @property
    def served(self) -> Path:
        """Exists once the API serves roost's kinds and its processes have their access."""
        return self.run / "kinds.served"

    @property
    def looked(self) -> Path:
        """As old as the controllers' last look at the bundles; stays when they end."""
        return self.run / "controllers.looked"

    def process(self, name: str) -> Path:
        """Pid, start time and executable of a running child."""
        return self.run / f"process-{name}.json"

    @property
    def directories(self) -> tuple[Path, ...]:
        """Every directory that must exist before anything is written, 0700."""
        return (
            self.root,
            self.pki,
            self.etcd,
            self.registry,
            self.bundles,
            self.root / "programs",
            self.config,
            self.audit,
            self.logs,
            self.run,
        )
