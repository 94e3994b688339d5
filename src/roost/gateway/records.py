"""What sign-in keeps, as Secrets of types of its own in the platform's system namespace. Pure.

One Secret holds one record, as JSON under `record`. Secrets of tokens are kept as SHA-256 of 256 random bits, those
of passwords as argon2id. Called by store (reads and writes them) and by everything that decides on them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Final, TypeVar, cast

from roost.api.names import GROUP, SYSTEM_NAMESPACE

LABEL: Final = f"{GROUP}/sign-in"
"""On each of these Secrets: which record it holds."""
USER_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")
GROUP_NAME: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9._:@/]{0,126}[A-Za-z0-9])?")


@dataclass(frozen=True)
class User:
    """Somebody who signs in with a password, or a service that has tokens only."""

    kind: ClassVar[str] = "user"
    name: str
    display_name: str = ""
    groups: tuple[str, ...] = ()
    password: str = ""
    """argon2id; empty: no sign-in by password."""
    service: bool = False
    disabled: bool = False
    created: float = 0.0

    @property
    def key(self) -> str:
        return self.name


@dataclass(frozen=True)
class Session:
    """One sign-in. Ends by sign-out, by its last hour, or with its user."""

    kind: ClassVar[str] = "session"
    id: str
    user: str
    """Name without prefix; of an identity provider's user `PROVIDER:SUBJECT`."""
    display_name: str = ""
    groups: tuple[str, ...] = ()
    """Of an identity provider's user only; a local user's stand on the user."""
    provider: str = ""
    access: str = ""
    access_expires: float = 0.0
    refresh: str = ""
    former_refresh: str = ""
    refreshed: float = 0.0
    created: float = 0.0
    expires: float = 0.0
    client: str = ""

    @property
    def key(self) -> str:
        return self.id


@dataclass(frozen=True)
class Token:
    """A service token: acts as its user, for at most its life."""

    kind: ClassVar[str] = "token"
    id: str
    name: str
    user: str
    secret: str
    created: float = 0.0
    expires: float = 0.0
    created_by: str = ""

    @property
    def key(self) -> str:
        return self.id


@dataclass(frozen=True)
class Provider:
    """An OpenID Connect provider."""

    kind: ClassVar[str] = "provider"
    name: str
    issuer: str
    client_id: str
    client_secret: str = ""
    display_name: str = ""
    groups_claim: str = "groups"
    scopes: tuple[str, ...] = ("openid", "profile", "email", "groups")
    ca: str = ""
    """PEM; empty: the system's."""

    @property
    def key(self) -> str:
        return self.name


Record = User | Session | Token | Provider
R = TypeVar("R", User, Session, Token, Provider)
KINDS: Final[dict[str, type[Record]]] = {"user": User, "session": Session, "token": Token, "provider": Provider}


def secret_name(kind: str, key: str) -> str:
    return f"roost-{kind}-{key}"


def encode(record: Record) -> dict[str, Any]:
    """The Secret of a record."""
    text = json.dumps(asdict(record), ensure_ascii=False)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": f"{GROUP}/{record.kind}",
        "metadata": {
            "name": secret_name(record.kind, record.key),
            "namespace": SYSTEM_NAMESPACE,
            "labels": {LABEL: record.kind},
        },
        "data": {"record": base64.b64encode(text.encode()).decode()},
    }


def decode(secret: Mapping[str, Any]) -> Record | None:
    """None for a Secret that is none of these, or that somebody damaged."""
    try:
        kind = str(secret["type"]).removeprefix(f"{GROUP}/")
        known = KINDS[kind]
        values = cast("dict[str, Any]", json.loads(base64.b64decode(secret["data"]["record"])))
        names = {field.name for field in fields(known)}
        cleaned = {
            key: tuple(cast("list[str]", value)) if isinstance(value, list) else value
            for key, value in values.items()
            if key in names
        }
        record: Record = cast("Any", known)(**cleaned)
    except (KeyError, TypeError, ValueError):
        return None
    # Whoever may write one Secret must not be able to speak for another.
    return record if secret["metadata"]["name"] == secret_name(record.kind, record.key) else None


def new_id() -> str:
    return secrets.token_hex(10)


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Of 256 random bits, so that no salt and no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(secret: str, wanted: str) -> bool:
    return bool(wanted) and hmac.compare_digest(digest(secret), wanted)


def bearer(prefix: str, key: str, secret: str) -> str:
    """Such as `roa_ID_SECRET`: what it is can be told by looking, and by tools that look for leaked ones."""
    return f"{prefix}_{key}_{secret}"


def parse_bearer(text: str) -> tuple[str, str, str] | None:
    """(prefix, id, secret)."""
    parts = text.split("_", 2)
    if len(parts) != 3 or parts[0] not in {ACCESS, REFRESH, SERVICE} or not re.fullmatch(r"[0-9a-f]{20}", parts[1]):
        return None
    return parts[0], parts[1], parts[2]


ACCESS: Final = "roa"
REFRESH: Final = "ror"
SERVICE: Final = "ros"
