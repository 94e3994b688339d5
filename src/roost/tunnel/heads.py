"""What stands at the head of a stream, and the documents of the handshake: values and their JSON. Pure.

Used by both ends. Everything that comes from the other side is checked here for shape and size; what it *means* is
judged by the agent's policy, and by whoever admits a session.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from roost.api.exchange import Headers, Identity, RequestHead, ResponseHead
from roost.tunnel.frames import LARGEST_PAYLOAD, ProtocolError

KAPI: Final = "kapi"
"""The kind of stream that carries one request to the cluster's API."""
PROTOCOL: Final = 1
Json = dict[str, Any]

Code = Literal[
    "bad_token", "expired", "revoked", "detached", "uid_mismatch", "proto", "clock_skew", "busy", "awaiting_approval"
]
"""Why the platform refuses a session. `detached`: the cluster is no more; the agent removes itself."""


def encode_request(head: RequestHead) -> bytes:
    identity = head.identity
    return _dump(
        {
            "kind": KAPI,
            "method": head.method,
            "target": head.target,
            "headers": _headers_out(head.headers),
            "user": identity.user,
            "uid": identity.uid,
            "groups": list(identity.groups),
            "extra": {key: list(values) for key, values in identity.extra.items()},
            "audit": head.audit_id,
            "upgrade": head.upgrade,
            "length": head.content_length,
        }
    )


def decode_request(payload: bytes) -> RequestHead:
    """Raises ProtocolError."""
    found = decode(payload)
    if found.get("kind") != KAPI:
        raise ProtocolError("a stream of an unknown kind")
    length = found.get("length")
    if length is not None and (not isinstance(length, int) or length < 0):
        raise ProtocolError("a content length that is no length")
    extra = found.get("extra")
    if not isinstance(extra, dict):
        raise ProtocolError("extra is no object")
    return RequestHead(
        method=text(found, "method"),
        target=text(found, "target"),
        headers=_headers_in(found.get("headers")),
        identity=Identity(
            user=text(found, "user"),
            uid=text(found, "uid"),
            groups=_texts(found.get("groups")),
            extra={str(key): _texts(value) for key, value in cast("Json", extra).items()},
        ),
        audit_id=text(found, "audit"),
        upgrade=found.get("upgrade") is True,
        content_length=length,
    )


def encode_response(head: ResponseHead) -> bytes:
    return _dump({"status": head.status, "reason": head.reason, "headers": _headers_out(head.headers)})


def decode_response(payload: bytes) -> ResponseHead:
    """Raises ProtocolError."""
    found = decode(payload)
    status = found.get("status")
    if not isinstance(status, int) or not 100 <= status <= 599:
        raise ProtocolError("a status that is none")
    return ResponseHead(status, text(found, "reason"), _headers_in(found.get("headers")))


def encode_problem(reason: str, message: str) -> bytes:
    """Payload of OPEN_ERR: nothing of the request was carried out."""
    return _dump({"reason": reason, "message": message[:2000]})


def decode_problem(payload: bytes) -> tuple[str, str]:
    found = decode(payload)
    return text(found, "reason"), text(found, "message")


@dataclass(frozen=True)
class Challenge:
    """The platform's first word."""

    nonce: bytes
    hub: str
    """Uid of the platform."""
    replica: str
    """Of which process; an agent that holds two tunnels looks for two of them."""
    replicas: int
    time: float
    """Seconds since 1970, so that a wrong clock has a name."""
    protocol: int = PROTOCOL

    def document(self) -> Json:
        return {
            "say": "challenge",
            "nonce": _base64(self.nonce),
            "hub": self.hub,
            "replica": self.replica,
            "replicas": self.replicas,
            "time": self.time,
            "protocol": self.protocol,
        }

    @classmethod
    def read(cls, found: Json) -> Challenge:
        nonce = unbase64(found, "nonce")
        if len(nonce) != 32:
            raise ProtocolError("a nonce that is not 32 bytes")
        return cls(
            nonce,
            text(found, "hub"),
            text(found, "replica"),
            int(number(found, "replicas")),
            number(found, "time"),
            int(number(found, "protocol")),
        )

    def signed(self, session: str) -> bytes:
        """What an agent signs to show that the key of its certificate is its own, here and now."""
        parts = ("roost.tunnel.v1 hello", self.hub, self.replica, session)
        return "\n".join(parts).encode() + b"\n" + self.nonce


@dataclass(frozen=True)
class Hello:
    """The agent's answer."""

    certificate: str
    """PEM."""
    signature: bytes
    session: str
    cluster_uid: str
    """Uid of the namespace kube-system, which is the cluster's identity."""
    agent_version: str
    kubernetes_version: str
    pod: str = ""
    policy: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the policy in the cluster allows, for people to see."""

    def document(self) -> Json:
        return {
            "say": "hello",
            "certificate": self.certificate,
            "signature": _base64(self.signature),
            "session": self.session,
            "clusterUID": self.cluster_uid,
            "agentVersion": self.agent_version,
            "kubernetesVersion": self.kubernetes_version,
            "pod": self.pod,
            "policy": dict(self.policy),
        }

    @classmethod
    def read(cls, found: Json) -> Hello:
        policy = found.get("policy")
        pairs = cast("Json", policy) if isinstance(policy, dict) else {}
        return cls(
            certificate=text(found, "certificate", 16384),
            signature=unbase64(found, "signature"),
            session=text(found, "session", 64),
            cluster_uid=text(found, "clusterUID", 64),
            agent_version=text(found, "agentVersion", 64),
            kubernetes_version=text(found, "kubernetesVersion", 64),
            pod=text(found, "pod", 253),
            policy={str(key)[:64]: str(value)[:256] for key, value in list(pairs.items())[:16]},
        )


@dataclass(frozen=True)
class Welcome:
    """The session is admitted."""

    ping: float
    """Seconds between signs of life."""
    dead: float
    """Seconds without one after which a side gives the session up."""
    tunnels: int
    """How many an agent shall hold."""

    def document(self) -> Json:
        return {"say": "welcome", "ping": self.ping, "dead": self.dead, "tunnels": self.tunnels}

    @classmethod
    def read(cls, found: Json) -> Welcome:
        ping, dead = number(found, "ping"), number(found, "dead")
        if not 0.05 <= ping <= 60 or not ping < dead <= 300:
            raise ProtocolError("intervals of liveness that make no sense")
        return cls(ping, dead, max(1, min(8, int(number(found, "tunnels")))))


@dataclass(frozen=True)
class Reject:
    """The session is refused."""

    code: str
    message: str
    retryable: bool = True
    retry_after: float = 0.0

    def document(self) -> Json:
        return {
            "say": "reject",
            "code": self.code,
            "message": self.message,
            "retryable": self.retryable,
            "retryAfter": self.retry_after,
        }

    @classmethod
    def read(cls, found: Json) -> Reject:
        return cls(
            text(found, "code", 64),
            text(found, "message"),
            found.get("retryable") is True,
            max(0.0, min(3600.0, number(found, "retryAfter"))),
        )


@dataclass(frozen=True)
class Beat:
    """What an agent tells with every other sign of life."""

    healthy: bool
    """Whether the cluster's API server answers /readyz with ok."""
    cause: str
    """Why it does not."""
    kubernetes_version: str
    policy: Mapping[str, str] = field(default_factory=dict[str, str])

    def document(self) -> Json:
        return {
            "say": "beat",
            "healthy": self.healthy,
            "cause": self.cause,
            "kubernetesVersion": self.kubernetes_version,
            "policy": dict(self.policy),
        }

    @classmethod
    def read(cls, found: Json) -> Beat:
        policy = found.get("policy")
        pairs = cast("Json", policy) if isinstance(policy, dict) else {}
        return cls(
            found.get("healthy") is True,
            text(found, "cause", 2000),
            text(found, "kubernetesVersion", 64),
            {str(key)[:64]: str(value)[:256] for key, value in list(pairs.items())[:16]},
        )


def encode(document: Json) -> bytes:
    return _dump(document)


def decode(payload: bytes) -> Json:
    """Raises ProtocolError."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a document that is no JSON") from error
    if not isinstance(found, dict):
        raise ProtocolError("a document that is no object")
    return cast("Json", found)


def text(found: Json, key: str, longest: int = LARGEST_PAYLOAD) -> str:
    value = found.get(key, "")
    if not isinstance(value, str) or len(value) > longest:
        raise ProtocolError(f"{key} is no text of at most {longest} characters")
    return value


def number(found: Json, key: str) -> float:
    value = found.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        raise ProtocolError(f"{key} is no number")
    return float(value)


def unbase64(found: Json, key: str) -> bytes:
    try:
        return base64.b64decode(text(found, key), validate=True)
    except ValueError as error:
        raise ProtocolError(f"{key} is not base64") from error


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _headers_out(headers: Headers) -> list[list[str]]:
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in headers]


def _headers_in(value: object) -> Headers:
    try:
        pairs = cast("list[list[str]]", value or [])
        return tuple((name.encode("latin-1"), content.encode("latin-1")) for name, content in pairs)
    except (AttributeError, TypeError, ValueError) as error:
        raise ProtocolError("headers that are none") from error


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in cast("list[object]", value)):
        raise ProtocolError("a list that is not one of texts")
    return tuple(cast("list[str]", value))


def _dump(document: Json) -> bytes:
    payload = json.dumps(document, separators=(",", ":")).encode()
    if len(payload) > LARGEST_PAYLOAD:
        raise ProtocolError(f"a head of {len(payload)} bytes; at most {LARGEST_PAYLOAD}")
    return payload
