"""Which requests the registry's external name lets through, and what signs them in. Pure; called by server.

The reference document's Ingress lists the paths (its `/v2/./` are patterns that lost an asterisk). Of these only
reading is let through, whoever asks: the registry takes writes on loopback alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from roost.api.masked import Masked
from roost.bundle import pulling

SERVICE: Final = "roost-registry"
TOKEN_SECONDS: Final = 300
OPEN_REPOSITORY: Final = "automation/qaimages"
"""Anybody may pull it, to try whether the name works; everything else needs a cluster's password."""
TOKEN_PATH: Final = "/auth/token"  # noqa: S105
_NAME: Final = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
_PATHS: Final = re.compile(
    rf"/v2/(?:(?P<catalog>_catalog)|(?P<name>{_NAME})/"
    r"(?P<rest>tags/list|manifests/[A-Za-z0-9_+.:-]+|blobs/[A-Za-z0-9:-]+|blobs/uploads/[A-Za-z0-9:_=-]*))?"
)
_SCOPE: Final = re.compile(rf"repository:(?P<name>{_NAME}):(?P<actions>[a-z,*]+)")


@dataclass(frozen=True)
class Wanted:
    """What a request is for. `repository` is empty for /v2/ and the catalogue."""

    path: str
    repository: str
    upload: bool


@dataclass(frozen=True)
class Answer:
    """What is answered in place of the registry."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def wanted(target: str) -> Wanted | None:
    """None: not among the paths. The raw path must match, so that nothing encoded slips through."""
    path = target.partition("?")[0]
    found = _PATHS.fullmatch(path)
    if found is None:
        return None
    name, rest = found["name"] or "", found["rest"] or ""
    return Wanted(path, name, rest.startswith("blobs/uploads/"))


def decide(method: str, target: str, authorization: str, *, host: str, key: Masked, now: float) -> Answer | str:
    """The path to ask the registry for, or what is answered instead. `host`: as the client wrote it, with port."""
    if target.partition("?")[0] == TOKEN_PATH:
        return _token(method, target, authorization, key=key, now=now)
    asked = wanted(target)
    if asked is None:
        return error(404, "NAME_UNKNOWN", "this name serves the registry's pull paths alone")
    if method not in ("GET", "HEAD") or asked.upload:
        challenge = _challenge(host, asked.repository)
        if not _signed_in(authorization, key):
            return error(401, "UNAUTHORIZED", "pushing is not possible here", challenge)
        return error(403, "DENIED", "nobody can push here: the registry takes writes on the platform itself alone")
    if not _may_pull(authorization, asked, key=key, now=now):
        return error(401, "UNAUTHORIZED", "sign in with a cluster's credential", _challenge(host, asked.repository))
    return target


def error(status: int, code: str, message: str, *headers: tuple[str, str]) -> Answer:
    """An error as registries write it."""
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return Answer(status, body, (("Content-Type", "application/json"), *headers))


def issue(key: Masked, repositories: tuple[str, ...], now: float) -> str:
    """A token that allows pulling from these (`*`: from all) for five minutes."""
    claim = base64.urlsafe_b64encode(
        json.dumps({"pull": repositories, "until": int(now) + TOKEN_SECONDS}).encode()
    ).rstrip(b"=")
    return f"{claim.decode()}.{_seal(key, claim)}"


def _token(method: str, target: str, authorization: str, *, key: Masked, now: float) -> Answer:
    if method not in ("GET", "HEAD"):
        return error(405, "UNSUPPORTED", "ask with GET")
    if authorization and not _signed_in(authorization, key):
        return error(
            401, "UNAUTHORIZED", "user name or password is wrong", ("WWW-Authenticate", 'Basic realm="roost"')
        )
    granted: tuple[str, ...] = ("*",)
    if not authorization:
        scopes = parse_qs(target.partition("?")[2]).get("scope", [])
        asked = [found["name"] for scope in scopes if (found := _SCOPE.fullmatch(scope))]
        granted = tuple(name for name in asked if name == OPEN_REPOSITORY)
    token = issue(key, granted, now)
    body = json.dumps({"token": token, "access_token": token, "expires_in": TOKEN_SECONDS}).encode()
    return Answer(200, body, (("Content-Type", "application/json"), ("Cache-Control", "no-store")))


def _may_pull(authorization: str, asked: Wanted, *, key: Masked, now: float) -> bool:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return _signed_in(authorization, key)
    granted = _granted(key, value.strip(), now)
    # Whoever has a token may ask whether this is a registry.
    return granted is not None and ("*" in granted or asked.repository in granted or asked.path == "/v2/")


def _granted(key: Masked, token: str, now: float) -> tuple[str, ...] | None:
    claim, _, seal = token.partition(".")
    if not hmac.compare_digest(_seal(key, claim.encode()), seal):
        return None
    try:
        content = json.loads(base64.urlsafe_b64decode(claim + "=" * (-len(claim) % 4)))
        if now >= float(content["until"]):
            return None
        return tuple(str(name) for name in content["pull"])
    except (ValueError, KeyError, TypeError):
        return None


def _signed_in(authorization: str, key: Masked) -> bool:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        user, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return pulling.verify(key, user, password)


def _challenge(host: str, repository: str) -> tuple[str, str]:
    scope = f',scope="repository:{repository}:pull"' if repository else ""
    return "WWW-Authenticate", f'Bearer realm="https://{host}{TOKEN_PATH}",service="{SERVICE}"{scope}'


def _seal(key: Masked, claim: bytes) -> str:
    mark = hmac.digest(key.reveal().encode(), b"token:" + claim, hashlib.sha256)
    return base64.urlsafe_b64encode(mark).rstrip(b"=").decode()
