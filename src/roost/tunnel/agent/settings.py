"""What the agent is told by its manifest: files that are mounted, and the service account that every pod has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from roost.tunnel.agent.api import Place

VERSION: Final = "0.1.0"
IDENTITY: Final = "roost-agent-identity"
POLICY: Final = "roost-agent-policy"
TOKEN: Final = "roost-agent-token"  # noqa: S105


class SettingsInvalid(Exception):
    """The manifest is not one that `roost register` printed."""


@dataclass(frozen=True)
class Settings:
    cluster_id: str
    urls: tuple[str, ...]
    """https://… addresses of the platform, tried in turn."""
    ca_pem: str
    """Who signs the platform's certificate."""
    token_file: Path
    proxy_file: Path
    """A URL, http:// or socks5://, with its credential; absent where the way is open."""
    place: Place
    pod: str
    health_port: int = 8080
    exit_after: float = 300.0
    """Seconds without any tunnel after which the process ends and is started anew."""

    def token(self) -> str:
        """The registration token; empty where none is mounted any more."""
        try:
            return self.token_file.read_text().strip()
        except OSError:
            return ""

    def proxy(self) -> str:
        try:
            return self.proxy_file.read_text().strip()
        except OSError:
            return ""


def load(environment: Mapping[str, str]) -> Settings:
    """Raises SettingsInvalid."""
    directory = Path(environment.get("ROOST_AGENT_CONFIG", "/etc/roost-agent"))
    account = Path(environment.get("ROOST_AGENT_ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount"))
    try:
        found = cast("dict[str, Any]", json.loads((directory / "config/config.json").read_text()))
        namespace = (account / "namespace").read_text().strip()
        place = Place(
            host=environment["KUBERNETES_SERVICE_HOST"],
            port=int(environment.get("KUBERNETES_SERVICE_PORT", "443")),
            ca=account / "ca.crt",
            token=account / "token",
            namespace=namespace,
        )
        return Settings(
            cluster_id=str(found["clusterID"]),
            urls=tuple(str(url) for url in found["urls"]),
            ca_pem=str(found["ca"]),
            token_file=directory / "token/token",
            proxy_file=directory / "token/proxy",
            place=place,
            pod=environment.get("HOSTNAME", ""),
            health_port=int(environment.get("ROOST_AGENT_HEALTH_PORT", "8080")),
            exit_after=float(environment.get("ROOST_AGENT_EXIT_AFTER", "300")),
        )
    except (KeyError, ValueError, OSError) as error:
        raise SettingsInvalid(f"the agent's settings can't be read ({error}); apply its manifest again") from error
