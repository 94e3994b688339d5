"""Which headers pass, in both directions. Pure.

Order matters: what `Connection` names goes first, so that a client can't make a later step drop or keep a header
by naming it there; identities are then taken out wherever they stand, and set by whoever speaks to the cluster.
Called by dispatch (requests) and relay (answers).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from roost.api.exchange import Headers
from roost.gateway.refusal import Refusal

_HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_OURS: Final = frozenset(
    {
        b"host",
        b"authorization",
        b"cookie",
        b"content-length",
        b"expect",
        b"forwarded",
        b"x-roost-request",
        b"audit-id",
    }
)
"""Of a request: ours to read or to set, never to pass on."""
_OURS_PREFIXES: Final = (b"impersonate-", b"x-remote-", b"x-forwarded-", b"roost-hop")
_NEVER_BACK: Final = frozenset(
    {
        b"set-cookie",
        b"set-cookie2",
        b"clear-site-data",
        b"strict-transport-security",
        b"alt-svc",
        b"service-worker-allowed",
        b"content-security-policy",
        b"content-security-policy-report-only",
        b"www-authenticate",
        b"x-content-type-options",
    }
)
"""Of an answer: a managed cluster must not speak for the gateway's own origin."""
_CORS: Final = b"access-control-"
SANDBOX: Final = (
    (b"Content-Security-Policy", b"sandbox; default-src 'none'"),
    (b"X-Content-Type-Options", b"nosniff"),
)
"""On every proxied answer: a page that a cluster serves runs no script under the gateway's address."""
UPGRADES: Final = frozenset({"websocket", "spdy/3.1"})
_BEARER_PROTOCOL: Final = b"base64url.bearer.authorization.k8s.io."


def upgrade_wanted(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The protocol that a request asks to go over to, lower case. Raises Refusal for one that is not carried."""
    names = connection_names(headers)
    values = [value for name, value in headers if name.lower() == b"upgrade"]
    if b"upgrade" not in names or not values:
        return None
    wanted = values[0].decode("latin-1").strip().lower()
    if len(values) > 1 or wanted not in UPGRADES:
        raise Refusal(400, "only upgrades to websocket and SPDY/3.1 are carried", cause="UpgradeRefused")
    return wanted


def connection_names(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """What `Connection` names, lower case."""
    return frozenset(
        token.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for token in value.split(b",")
        if token.strip()
    )


def onward(headers: Headers, *, upgrade: bool, client: str) -> Headers:
    """The headers of a request that go to an API server; whom it wants to act as is read apart (acting)."""
    dropped = connection_names(headers) - {b"upgrade"}
    found: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        low = name.lower()
        if low in _OURS or low.startswith(_OURS_PREFIXES):
            continue
        if low == b"upgrade" and upgrade:
            found.append((name, value))
        elif low in _HOP_BY_HOP or low in dropped:
            continue
        elif low == b"sec-websocket-protocol":
            kept = _without_bearer(value)
            if kept:
                found.append((name, kept))
        else:
            found.append((name, value))
    found.append((b"X-Forwarded-For", client.encode()))
    return tuple(found)


def back(headers: Headers, *, switched: bool = False) -> list[tuple[bytes, bytes]]:
    """The headers of an API server's answer that go to the client. Framing is the front's."""
    dropped = connection_names(headers)
    found: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        low = name.lower()
        if low in {b"connection", b"upgrade"} and switched:
            found.append((name, value))
        elif low in _HOP_BY_HOP or low in dropped or low in _NEVER_BACK or low.startswith(_CORS):
            continue
        else:
            found.append((name, value))
    if not switched:
        found.extend(SANDBOX)
    return found


def value_of(headers: Headers, wanted: bytes) -> bytes | None:
    """The only value of a header. Raises Refusal 400 where it stands twice."""
    values = [value for name, value in headers if name.lower() == wanted]
    if len(values) > 1:
        raise Refusal(400, f"the header {wanted.decode()} stands twice", cause="HeaderInvalid")
    return values[0] if values else None


def cookie(headers: Headers, wanted: str) -> str | None:
    """A cookie's value. Where it stands twice, none: one of them may be planted."""
    found: list[str] = []
    for name, value in headers:
        if name.lower() == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                key, mark, content = pair.strip().partition("=")
                if mark and key == wanted:
                    found.append(content)
    return found[0] if len(found) == 1 and re.fullmatch(r"[A-Za-z0-9._~\-]{1,400}", found[0]) else None


def _without_bearer(value: bytes) -> bytes:
    """Kubernetes takes a token as a WebSocket subprotocol, too; it must not reach a cluster."""
    names = [name.strip() for name in value.split(b",")]
    return b", ".join(name for name in names if not name.startswith(_BEARER_PROTOCOL))
