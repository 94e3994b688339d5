"""The agent's own API server: pooled connections, its own rotating token, and a few calls of its own.

Called by `kapi` (requests of the platform), `identity`, `watchful` and `removal` (the agent's own).
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

from roost.api.exchange import Identity, RequestHead
from roost.tunnel.session import tune
from roost.wire import connecting
from roost.wire.http1 import AnswerHead, BrokenAnswer, Connection, header_line

IDLE_MOST: Final = 32
IDLE_SECONDS: Final = 60.0
CONNECT_SECONDS: Final = 10.0
TOKEN_SECONDS: Final = 30.0
"""How long a token that was read from its file is used; kubelet writes a new one long before the old one ends."""
_DROPPED: Final = frozenset(
    {
        b"host",
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"content-length",
        b"expect",
        b"authorization",
        b"cookie",
        b"audit-id",
        b"upgrade",
    }
)
_DROPPED_PREFIXES: Final = (b"impersonate-", b"x-remote-", b"x-forwarded-")
UPGRADES: Final = frozenset({b"websocket", b"spdy/3.1"})


class RequestRefused(Exception):
    """The request can't be put into HTTP safely."""


class ApiProblem(Exception):
    """An answer to the agent's own call that is no success. `code` 0: no answer."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Place:
    """Where the API server is and how the agent signs in to it."""

    host: str
    port: int
    ca: Path
    token: Path
    namespace: str


class Api:
    def __init__(self, place: Place) -> None:
        self.place = place
        self._tls = ssl.create_default_context(cafile=str(place.ca))
        self._idle: deque[Connection] = deque()
        self._token = b""
        self._token_read = float("-inf")
        host = f"[{place.host}]" if ":" in place.host else place.host
        self._host = f"{host}:{place.port}".encode()

    async def connect(self, *, fresh: bool = False) -> Connection:
        """An idle connection, or a new one. Raises OSError."""
        now = asyncio.get_running_loop().time()
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.reusable and now - connection.idle_since < IDLE_SECONDS:
                return connection
            connection.close()
        async with asyncio.timeout(CONNECT_SECONDS):
            plain = await connecting.reach(self.place.host, self.place.port)
            transport, connection = await connecting.secure(plain, self._tls, self.place.host, Connection)
        tune(transport)
        return connection

    def give_back(self, connection: Connection) -> None:
        """For the next request, if it may have one."""
        if connection.reusable and len(self._idle) < IDLE_MOST:
            connection.recycle()
            self._idle.append(connection)
        else:
            connection.abort()

    def head_for(self, head: RequestHead, *, chunked: bool) -> bytes:
        """The bytes of a request's head: the agent's credential and the identity are set here, last."""
        lines = [f"{head.method} {head.target} HTTP/1.1".encode("ascii"), b"Host: " + self._host]
        named = _named_by_connection(head)
        for name, value in head.headers:
            lower = name.lower()
            if lower in _DROPPED or lower in named or lower.startswith(_DROPPED_PREFIXES):
                continue
            lines.append(_line(name, value))
        if head.upgrade:
            lines += [b"Connection: Upgrade", b"Upgrade: " + _upgrade(head)]
        elif chunked:
            lines.append(b"Transfer-Encoding: chunked")
        elif head.content_length or head.method in {"POST", "PUT", "PATCH"}:
            lines.append(f"Content-Length: {head.content_length or 0}".encode())
        if head.audit_id:
            lines.append(_line(b"Audit-ID", head.audit_id.encode()))
        lines.append(b"Authorization: Bearer " + self._bearer())
        lines += _impersonation(head.identity)
        return b"\r\n".join([*lines, b"", b""])

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        content_type: str = "application/json",
        seconds: float = 15.0,
    ) -> dict[str, Any]:
        """One call of the agent's own. Raises ApiProblem."""
        status, raw = await self.fetch(method, path, body, content_type=content_type, seconds=seconds)
        try:
            document: Any = json.loads(raw) if raw else {}
        except ValueError:
            document = {"message": raw[:300].decode(errors="replace")}
        found = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
        if status >= 300:
            raise ApiProblem(status, f"{method} {path}: {status} {found.get('message', '')}")
        return found

    async def fetch(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        content_type: str = "application/json",
        seconds: float = 15.0,
    ) -> tuple[int, bytes]:
        """Status and body. Raises ApiProblem where there is no answer."""
        data = b"" if body is None else json.dumps(body).encode()
        lines = [
            f"{method} {path} HTTP/1.1".encode(),
            b"Host: " + self._host,
            b"Accept: application/json",
            b"User-Agent: roost-agent",
            b"Authorization: Bearer " + self._bearer(),
        ]
        if body is not None:
            lines += [f"Content-Type: {content_type}".encode(), f"Content-Length: {len(data)}".encode()]
        request = b"\r\n".join([*lines, b"", b""]) + data
        try:
            async with asyncio.timeout(seconds):
                head, raw = await self._exchange(method, request)
        except (OSError, TimeoutError) as error:
            raise ApiProblem(0, f"{method} {path}: {error or 'no answer in time'}") from error
        return head.status, raw

    async def _exchange(self, method: str, request: bytes) -> tuple[AnswerHead, bytes]:
        for fresh in (False, True):
            connection = await self.connect(fresh=fresh)
            try:
                connection.request(method, request)
                connection.sent()
                head = await connection.head()
                pieces: list[bytes] = []
                while piece := await connection.read():
                    pieces.append(piece)
                return head, b"".join(pieces)
            except BrokenAnswer as error:
                if not connection.reused or error.began:
                    raise
            finally:
                self.give_back(connection)
        raise BrokenAnswer("the API server closes every connection", began=False)

    def _bearer(self) -> bytes:
        now = time.monotonic()
        if now - self._token_read > TOKEN_SECONDS:
            self._token = self.place.token.read_bytes().strip()
            self._token_read = now
        return self._token


def _named_by_connection(head: RequestHead) -> frozenset[bytes]:
    """Headers that a Connection header declares to be hop-by-hop; the gateway took them out, this makes sure."""
    values = [value for name, value in head.headers if name.lower() == b"connection"]
    return frozenset(part.strip().lower() for value in values for part in value.split(b","))


def _upgrade(head: RequestHead) -> bytes:
    wanted = [value for name, value in head.headers if name.lower() == b"upgrade"]
    if len(wanted) != 1 or wanted[0].lower() not in UPGRADES:
        raise RequestRefused("upgrades go to websocket and SPDY/3.1 only")
    return wanted[0]


def _impersonation(identity: Identity) -> list[bytes]:
    lines = [_line(b"Impersonate-User", identity.user.encode())]
    if identity.uid:
        lines.append(_line(b"Impersonate-Uid", identity.uid.encode()))
    lines += [_line(b"Impersonate-Group", group.encode()) for group in identity.groups]
    for key, values in identity.extra.items():
        name = b"Impersonate-Extra-" + quote(key, safe="").encode()
        lines += [_line(name, value.encode()) for value in values]
    return lines


def _line(name: bytes, value: bytes) -> bytes:
    try:
        return header_line(name, value)
    except ValueError as error:
        raise RequestRefused(str(error)) from error
