"""Who may pull from the built-in registry at its external name: each cluster, with a password of its own.

Nothing is stored for a cluster: its password follows from the platform's key and the cluster's id, so that the
controllers can hand it to machines and the process that serves the name can check it. It allows pulling, never
pushing. Called by embedded (makes the key, checks) and by the controllers (hand out).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Final

from roost.api.masked import Masked

_PREFIX: Final = "cluster-"


def path(data_dir: Path) -> Path:
    """Where the key lies in a data directory."""
    return data_dir / "config" / "registry-pull.key"


def load(data_dir: Path) -> Masked | None:
    """The platform's key; None where its registry serves no machines."""
    try:
        return Masked(path(data_dir).read_text().strip())
    except FileNotFoundError:
        return None


def create_key() -> Masked:
    return Masked(secrets.token_hex(32))


def username(cluster_id: str) -> str:
    return f"{_PREFIX}{cluster_id}"


def password(key: Masked, cluster_id: str) -> Masked:
    mark = hmac.digest(key.reveal().encode(), f"pull:{cluster_id}".encode(), hashlib.sha256)
    return Masked(base64.urlsafe_b64encode(mark).rstrip(b"=").decode())


def verify(key: Masked, user: str, given: str) -> bool:
    """Whether this is the password of that cluster; takes as long for a wrong one."""
    if not user.startswith(_PREFIX):
        return False
    expected = password(key, user.removeprefix(_PREFIX)).reveal()
    return hmac.compare_digest(expected.encode(), given.encode())
