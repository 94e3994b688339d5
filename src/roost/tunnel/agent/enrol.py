"""The agent's identity: a key made here, and the certificate that a one-use token was exchanged for.

It lies in one Secret of the agent's own namespace, which all its pods share: the first pod makes the key, whichever
comes first exchanges the token, and the platform takes a token again only for the same key. Called by `agent`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final, cast

from roost.tunnel import heads, proof
from roost.tunnel.agent.api import Api, ApiProblem
from roost.tunnel.agent.dial import NoWay, Way
from roost.tunnel.agent.settings import IDENTITY, VERSION, Settings
from roost.wire.http1 import BrokenAnswer, Connection

CSR_PATH: Final = "/tunnel/v1/csr"
_MERGE: Final = "application/merge-patch+json"


@dataclass(frozen=True)
class Identity:
    cluster_id: str
    key: str
    certificate: str
    """Empty until the token was exchanged."""
    token_mark: str
    """Digest of the token that was exchanged."""


class EnrolRefused(Exception):
    """The platform gave no certificate. `code` is a heads.Code."""

    def __init__(self, reject: heads.Reject) -> None:
        super().__init__(reject.message)
        self.reject = reject


class Keeper:
    """The Secret with the identity."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings
        self._path = f"/api/v1/namespaces/{settings.place.namespace}/secrets/{IDENTITY}"

    async def load(self) -> Identity:
        """Makes the key where there is none yet, or where it is another cluster's. Raises ApiProblem."""
        while True:
            secret = await self._api.call("GET", self._path)
            found = _decode(secret)
            if found is not None and found.cluster_id == self._settings.cluster_id:
                return found
            fresh = Identity(self._settings.cluster_id, proof.new_key(), "", "")
            try:
                await self._save(fresh, version=str(secret["metadata"]["resourceVersion"]))
            except ApiProblem as problem:
                if problem.code != 409:
                    raise
                continue  # Another pod was first; its key counts.
            return fresh

    async def store(self, identity: Identity) -> None:
        await self._save(identity, version="")

    async def _save(self, identity: Identity, *, version: str) -> None:
        data = {
            "clusterID": identity.cluster_id,
            "tls.key": identity.key,
            "tls.crt": identity.certificate,
            "token": identity.token_mark,
        }
        meta = {"resourceVersion": version} if version else {}
        patch = {
            "metadata": meta,
            "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
        }
        await self._api.call("PATCH", self._path, patch, content_type=_MERGE)


def _decode(secret: dict[str, Any]) -> Identity | None:
    data = cast("dict[str, str]", secret.get("data") or {})
    values = {key: base64.b64decode(value).decode() for key, value in data.items()}
    if not values.get("tls.key"):
        return None
    return Identity(
        values.get("clusterID", ""), values["tls.key"], values.get("tls.crt", ""), values.get("token", "")
    )


def mark(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest() if token else ""


def wants_enrolment(identity: Identity, token: str) -> bool:
    """No certificate yet, or a new token was applied since the last one."""
    return bool(token) and (not identity.certificate or identity.token_mark != mark(token))


async def exchange(way: Way, url: str, identity: Identity, token: str, cluster_uid: str) -> Identity:
    """The token for a certificate. Raises NoWay, EnrolRefused."""
    body = json.dumps(
        {
            "request": proof.request(identity.key, identity.cluster_id),
            "clusterUID": cluster_uid,
            "agentVersion": VERSION,
        }
    ).encode()
    host = url.split("://", 1)[-1].rstrip("/")
    head = (
        f"POST {CSR_PATH} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    connection = await way.open(url, Connection)
    try:
        connection.request("POST", head.encode() + body)
        connection.sent()
        answer = await connection.head()
        raw = b""
        while piece := await connection.read():
            raw += piece
            if len(raw) > 65536:
                raise NoWay("the platform's answer is too large")
    except BrokenAnswer as error:
        raise NoWay(f"the platform's answer broke off: {error}") from error
    finally:
        connection.abort()
    try:
        found = heads.decode(raw)
    except Exception as error:
        raise NoWay(f"{url} answered {answer.status}, and not as the platform does") from error
    if answer.status != 200:
        code = str(found.get("code") if isinstance(found.get("code"), str) else "")
        details = cast("dict[str, Any]", found.get("details") or {})
        code = code or str(details.get("code") or "busy")
        raise EnrolRefused(heads.Reject(code, str(found.get("message") or f"HTTP {answer.status}")))
    return Identity(identity.cluster_id, identity.key, heads.text(found, "certificate"), mark(token))
