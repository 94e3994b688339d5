"""What the platform keeps of registrations: Secrets in the system namespace, with a label that says which. Pure.

token      one per printed manifest: a digest, an end, and the key that it was exchanged for
state      one per cluster: the key that counts now, and the cluster it belongs to
tombstone  one per cluster that was deleted: its agent, when it comes back, is told to remove itself

The token itself is nowhere kept. Called by the gateway's registrar, by `roost register` and by the controllers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from roost.api.masked import Masked
from roost.api.names import GROUP, SYSTEM_NAMESPACE

Kind = Literal["token", "state", "tombstone"]
LABEL: Final = f"{GROUP}/registration"
TYPE: Final = f"{GROUP}/registration"
PREFIX: Final = "rst_"
LIFE: Final = 3600.0
LONGEST_LIFE: Final = 72 * 3600.0
Object = dict[str, Any]


@dataclass(frozen=True)
class TokenRecord:
    id: str
    digest: str
    cluster_id: str
    cluster: str
    """namespace/name, for people."""
    expires: float
    creator: str
    key: str = ""
    """SHA-256 of the public key that it was exchanged for; empty while it is unused."""


@dataclass(frozen=True)
class StateRecord:
    cluster_id: str
    key: str
    cluster_uid: str
    """Uid of the namespace kube-system, pinned at the first registration."""
    since: float


@dataclass(frozen=True)
class Tombstone:
    cluster_id: str
    cluster: str
    deleted: float


Record = TokenRecord | StateRecord | Tombstone


def new_token(
    *, cluster_id: str, cluster: str, now: float, creator: str, life: float = LIFE
) -> tuple[Masked, TokenRecord]:
    """The token for the manifest, and what is kept of it."""
    number, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    record = TokenRecord(number, digest(secret), cluster_id, cluster, now + min(life, LONGEST_LIFE), creator)
    return Masked(f"{PREFIX}{number}.{secret}"), record


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def split(token: str) -> tuple[str, str] | None:
    """(id, secret); None for what is no registration token."""
    number, dot, secret = token.removeprefix(PREFIX).partition(".")
    if not token.startswith(PREFIX) or not dot or not number.isalnum() or len(number) > 32 or len(secret) > 128:
        return None
    return number, secret


def fits(record: TokenRecord, secret: str) -> bool:
    return hmac.compare_digest(record.digest, digest(secret))


def secret_name(kind: Kind, key: str) -> str:
    return f"registration-{kind}-{key}"


def name_of(record: Record) -> str:
    if isinstance(record, TokenRecord):
        return secret_name("token", record.id)
    return secret_name("state" if isinstance(record, StateRecord) else "tombstone", record.cluster_id)


def encode(record: Record) -> Object:
    """The Secret that holds it."""
    kind: Kind
    if isinstance(record, TokenRecord):
        kind = "token"
        data = {
            "id": record.id,
            "digest": record.digest,
            "clusterID": record.cluster_id,
            "cluster": record.cluster,
            "expires": str(record.expires),
            "creator": record.creator,
            "key": record.key,
        }
    elif isinstance(record, StateRecord):
        kind = "state"
        data = {
            "clusterID": record.cluster_id,
            "key": record.key,
            "clusterUID": record.cluster_uid,
            "since": str(record.since),
        }
    else:
        kind = "tombstone"
        data = {"clusterID": record.cluster_id, "cluster": record.cluster, "deleted": str(record.deleted)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": TYPE,
        "metadata": {"name": name_of(record), "namespace": SYSTEM_NAMESPACE, "labels": {LABEL: kind}},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


def decode(secret: Mapping[str, Any]) -> Record | None:
    """None for what can't be read."""
    labels = cast("Mapping[str, str]", secret.get("metadata", {}).get("labels") or {})
    data = cast("Mapping[str, str]", secret.get("data") or {})
    try:
        found = {key: base64.b64decode(value).decode() for key, value in data.items()}
        match labels.get(LABEL):
            case "token":
                return TokenRecord(
                    found["id"],
                    found["digest"],
                    found["clusterID"],
                    found["cluster"],
                    float(found["expires"]),
                    found["creator"],
                    found.get("key", ""),
                )
            case "state":
                return StateRecord(found["clusterID"], found["key"], found["clusterUID"], float(found["since"]))
            case "tombstone":
                return Tombstone(found["clusterID"], found["cluster"], float(found["deleted"]))
            case _:
                return None
    except (KeyError, ValueError):
        return None
