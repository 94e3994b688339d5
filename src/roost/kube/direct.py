"""Upstream of a cluster that the platform reaches itself: HTTP/1.1 over pooled TLS connections, bodies never held.

The caller's identity becomes Impersonate-* headers, set last, beside the kubeconfig's own credential. One request
at a time uses a connection; one that ended in the middle, or was upgraded, is closed and never used again. Called by
the gateway. HTTP of roost's own (wire.http1), since this is a hot path and must carry upgrades that HTTP clients
can't.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import socket
import ssl
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urlsplit

from roost.api.exchange import Exchange, Headers, Identity, RequestHead, ResponseHead, UpstreamUnavailable
from roost.kube.kubeconfig import Access
from roost.kube.tls import tls_context
from roost.wire import connecting
from roost.wire.http1 import BrokenAnswer, Connection, request_head

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

CONNECT_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 20.0
"""Less than what API servers keep an idle connection for, so that a used one is hardly ever stale."""
IDLE_MOST: Final = 32
WINDOW: Final = 256 * 1024
"""Bytes that one read gives."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000),
)


def reachable(address: Address) -> bool:
    """Whether a cluster may live there: never on a link-local (metadata services), multicast or unset address."""
    mapped = getattr(address, "ipv4_mapped", None) or address
    return not (mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified or mapped.is_reserved)


def not_here(address: Address) -> bool:
    """As `reachable`, and not on the platform's own loopback, where its API server, etcd and webhook listen."""
    mapped = getattr(address, "ipv4_mapped", None) or address
    return reachable(address) and not mapped.is_loopback


class Direct:
    """An Upstream over an Access. `open` acts as the caller, `open_own` as the Access itself."""

    def __init__(self, access: Access, *, allowed: Callable[[Address], bool] = not_here) -> None:
        parts = urlsplit(access.server)
        self.server: Final = access.server
        self._host: Final = parts.hostname or ""
        self._port: Final = parts.port or 443
        self._prefix: Final = parts.path.rstrip("/")
        self._authority: Final = parts.netloc.rpartition("@")[2].encode()
        self._name: Final = access.server_name or self._host
        self._allowed: Final = allowed
        self._tls: Final = tls_context(access)
        self._tls.set_alpn_protocols(["http/1.1"])
        self._credential: Final = _credential(access)
        self._idle: list[Connection] = []
        self._closed = False

    async def open(self, head: RequestHead) -> Exchange:
        identity = impersonation(head.identity)
        headers = (*head.headers, *identity)
        return await self._open(head.method, head.target, headers, head.content_length, upgrade=head.upgrade)

    async def open_own(
        self,
        method: str,
        target: str,
        headers: Headers = (),
        *,
        content_length: int | None = 0,
        upgrade: bool = False,
    ) -> Exchange:
        """A request with the Access's own rights."""
        return await self._open(method, target, headers, content_length, upgrade=upgrade)

    async def close(self) -> None:
        """Ends what is idle; exchanges under way go on."""
        self._closed = True
        while self._idle:
            self._idle.pop().abort()

    async def _open(
        self, method: str, target: str, headers: Headers, length: int | None, *, upgrade: bool
    ) -> Exchange:
        lines = ((b"Host", self._authority), *self._credential, *headers, *framing(method, length, upgrade=upgrade))
        request = request_head(method, self._prefix + target, lines)
        exchange = DirectExchange(self, method, request, length=0 if upgrade else length)
        await exchange.begin()
        return exchange

    async def link(self, *, fresh: bool = False) -> Connection:
        """A connection that nobody uses: a kept one, or a new one."""
        now = asyncio.get_running_loop().time()
        while self._idle and not fresh:
            kept = self._idle.pop()
            if kept.reusable and now - kept.idle_since < IDLE_SECONDS:
                return kept
            kept.abort()
        return await self._connect()

    def give_back(self, link: Connection) -> None:
        """For the next request, if it may have one."""
        if self._closed or not link.reusable or len(self._idle) >= IDLE_MOST:
            link.abort()
            return
        link.recycle()
        self._idle.append(link)

    async def _connect(self) -> Connection:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                plain = await connecting.reach(self._host, self._port, await self._addresses())
                for level, option, value in _KEEPALIVE:
                    plain.setsockopt(level, option, value)
                _, link = await connecting.secure(plain, self._tls, self._name, Connection)
                return link
        except ssl.SSLCertVerificationError as error:
            why = f"its certificate is not trusted: {error.verify_message}"
            raise self._unavailable("CertificateNotTrusted", why) from error
        except TimeoutError:
            raise self._unavailable("ApiTimeout", f"no connection within {CONNECT_SECONDS:g} s") from None
        except OSError as error:
            raise self._unavailable("ApiUnreachable", error.strerror or str(error) or type(error).__name__) from error

    async def _addresses(self) -> list[str]:
        """Looked up and judged at each connection, so that a name can't change its mind after it was judged."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
        for address in addresses:
            if not self._allowed(ipaddress.ip_address(address)):
                raise self._unavailable("AddressNotAllowed", f"no cluster may be reached at {address}")
        return addresses

    def _unavailable(self, reason: str, why: str) -> UpstreamUnavailable:
        return UpstreamUnavailable(
            reason, f"the cluster's API at {self.server} can't be reached: {why}; check that it runs and its address"
        )

    def broken(self, why: str) -> UpstreamUnavailable:
        return self._unavailable("ApiUnreachable", why)


class DirectExchange:
    """One request on one connection. Made by Direct."""

    def __init__(self, direct: Direct, method: str, request: bytes, *, length: int | None) -> None:
        self._direct = direct
        self._method = method
        self._request = request
        self._bare = length == 0
        """Without a body: sent whole, so it may be sent again on a new connection."""
        self._chunked = length is None
        self._link: Connection | None = None
        self._raw = False
        self._ended = False

    async def begin(self) -> None:
        self._link = await self._direct.link()
        self._send(self._link)

    def _send(self, link: Connection) -> None:
        link.request(self._method, self._request)
        if self._bare:
            link.sent()

    async def write(self, data: bytes) -> None:
        link = self._taken()
        if self._raw or not (self._bare or self._chunked):
            await link.write(data)
        elif self._chunked and data:
            await link.write(b"%x\r\n" % len(data), data, b"\r\n")

    async def write_eof(self) -> None:
        link = self._taken()
        if self._raw:
            # TLS here has no half-close; the protocols above (WebSocket, SPDY) carry their own. What was written
            # must go out before somebody closes.
            await link.flush()
            return
        if self._bare or self._ended:
            return
        self._ended = True
        if self._chunked:
            await link.write(b"0\r\n\r\n")
        link.sent()

    async def head(self) -> ResponseHead:
        link = self._taken()
        try:
            answer = await link.head()
        except BrokenAnswer as error:
            if self._link is None:
                raise ConnectionAbortedError("the exchange was ended") from error
            if not (link.reused and self._bare and not error.began and self._method in SAFE):
                raise self._direct.broken(_words(error)) from error
            # A kept connection that the server had closed meanwhile: nothing was answered, nothing has changed.
            link.abort()
            self._link = link = await self._direct.link(fresh=True)
            self._send(link)
            try:
                answer = await link.head()
            except BrokenAnswer as again:
                raise self._direct.broken(_words(again)) from again
        self._raw = answer.status == 101
        return ResponseHead(answer.status, answer.reason, answer.headers)

    async def read(self, limit: int = WINDOW) -> bytes:
        return await self._taken().read(limit)

    async def abort(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            self._direct.give_back(link)

    def _taken(self) -> Connection:
        if self._link is None:
            raise ConnectionAbortedError("the exchange was ended")
        return self._link


def impersonation(identity: Identity) -> Headers:
    """Impersonate-* headers. Raises ValueError for an identity that could be one of Kubernetes' own."""
    if not identity.user or any(name.startswith("system:") for name in (identity.user, *identity.groups)):
        raise ValueError("an identity has a user, and no name of its begins with system:")
    headers = [(b"Impersonate-User", identity.user.encode())]
    headers += [(b"Impersonate-Group", group.encode()) for group in identity.groups]
    if identity.uid:
        headers.append((b"Impersonate-Uid", identity.uid.encode()))
    for key, values in identity.extra.items():
        # A key may hold what a header's name may not; API servers undo this.
        headers += [(b"Impersonate-Extra-" + quote(key, safe="").encode(), value.encode()) for value in values]
    return tuple(headers)


def framing(method: str, length: int | None, *, upgrade: bool) -> Headers:
    """What says how long the body is, or that another protocol is asked for."""
    if upgrade:
        return ((b"Connection", b"Upgrade"),)
    if length is None:
        return ((b"Transfer-Encoding", b"chunked"),)
    if length or method not in SAFE:
        return ((b"Content-Length", str(length).encode()),)
    return ()


def _credential(access: Access) -> Headers:
    if access.token:
        return ((b"Authorization", b"Bearer " + access.token.reveal().encode()),)
    if access.username and access.password:
        pair = f"{access.username}:{access.password.reveal()}".encode()
        return ((b"Authorization", b"Basic " + base64.b64encode(pair)),)
    return ()


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
