"""Upstream of a cluster that the platform reaches itself: HTTP/1.1 over pooled TLS connections, bodies never held.

The caller's identity becomes Impersonate-* headers, set last, beside the kubeconfig's own credential. One request
at a time uses a connection; one that ended in the middle, or was upgraded, is closed and never used again. Called by
the gateway. h11 alone, since this is a hot path and must carry upgrades that HTTP clients can't.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import h11

from roost.api.exchange import Exchange, Headers, Identity, RequestHead, ResponseHead, UpstreamUnavailable
from roost.kube.kubeconfig import Access
from roost.kube.tls import tls_context

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

CONNECT_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 20.0
"""Less than what API servers keep an idle connection for, so that a used one is hardly ever stale."""
IDLE_MOST: Final = 32
WINDOW: Final = 64 * 1024
"""Bytes held in each direction of one connection."""
HEAD_LARGEST: Final = 64 * 1024
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
        self._idle: list[_Link] = []
        self._closed = False

    async def open(self, head: RequestHead) -> Exchange:
        identity = impersonation(head.identity)
        headers = (*head.headers, *identity)
        return await self._open(head.method, head.target, headers, head.content_length, upgrade=head.upgrade)

    async def open_own(self, method: str, target: str, headers: Headers = (), *, content_length: int = 0) -> Exchange:
        """A request with the Access's own rights."""
        return await self._open(method, target, headers, content_length, upgrade=False)

    async def close(self) -> None:
        """Ends what is idle; exchanges under way go on."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    async def _open(
        self, method: str, target: str, headers: Headers, length: int | None, *, upgrade: bool
    ) -> Exchange:
        request = h11.Request(
            method=method,
            target=self._prefix + target,
            headers=[
                (b"Host", self._authority),
                *self._credential,
                *headers,
                *framing(method, length, upgrade=upgrade),
            ],
        )
        exchange = DirectExchange(self, request, bare=length == 0)
        await exchange.begin()
        return exchange

    async def link(self, *, fresh: bool = False) -> _Link:
        """A connection that nobody uses: a kept one, or a new one."""
        now = time.monotonic()
        while self._idle and not fresh:
            kept = self._idle.pop()
            if kept.is_usable(now):
                kept.used = True
                return kept
            kept.close()
        return await self._connect()

    def keep(self, link: _Link) -> None:
        if self._closed or len(self._idle) >= IDLE_MOST:
            link.close()
            return
        link.since = time.monotonic()
        self._idle.append(link)

    async def _connect(self) -> _Link:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                addresses = await self._addresses()
                last: OSError | None = None
                for address in addresses:
                    try:
                        reader, writer = await asyncio.open_connection(
                            address, self._port, ssl=self._tls, server_hostname=self._name, limit=WINDOW
                        )
                    except ssl.SSLError:
                        raise
                    except OSError as error:
                        last = error
                        continue
                    return _Link(reader, writer)
                raise last or OSError("it has no address")
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


class _Link:
    """One TLS connection with its HTTP state."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LARGEST)
        self.since = 0.0
        self.used = False
        connection: socket.socket | None = writer.get_extra_info("socket")
        if connection is not None:
            for level, option, value in _KEEPALIVE:
                connection.setsockopt(level, option, value)
        writer.transport.set_write_buffer_limits(high=WINDOW)

    def is_usable(self, now: float) -> bool:
        return now - self.since < IDLE_SECONDS and not self.reader.at_eof() and not self.writer.is_closing()

    def close(self) -> None:
        self.writer.transport.abort()


class DirectExchange:
    """One request on one connection. Made by Direct."""

    def __init__(self, direct: Direct, request: h11.Request, *, bare: bool) -> None:
        self._direct = direct
        self._request = request
        self._bare = bare
        """Without a body: sent whole, so it may be sent again on a new connection."""
        self._link: _Link | None = None
        self._raw = False
        self._early = b""
        self._ended = False

    async def begin(self) -> None:
        self._link = await self._direct.link()
        await self._send(self._link)

    async def _send(self, link: _Link) -> None:
        pieces = link.http.send(self._request) or b""
        if self._bare:
            pieces += link.http.send(h11.EndOfMessage()) or b""
        link.writer.write(pieces)
        with contextlib.suppress(ConnectionError):
            # A connection that broke is noticed where the answer is read.
            await link.writer.drain()

    async def write(self, data: bytes) -> None:
        link = self._taken()
        if self._raw:
            link.writer.write(data)
        elif not self._bare:
            link.writer.writelines(link.http.send_with_data_passthrough(h11.Data(data=data)) or [])
        await link.writer.drain()

    async def write_eof(self) -> None:
        link = self._taken()
        if self._raw:
            # TLS of asyncio has no half-close; the protocols above (WebSocket, SPDY) carry their own. What was
            # written must go out before somebody closes.
            link.writer.transport.set_write_buffer_limits(high=0)
            await link.writer.drain()
            return
        if not self._bare and link.http.our_state is h11.SEND_BODY:
            link.writer.write(link.http.send(h11.EndOfMessage()) or b"")
            await link.writer.drain()

    async def head(self) -> ResponseHead:
        while True:
            link = self._taken()
            try:
                event = await self._event(link)
            except (ConnectionError, OSError, h11.RemoteProtocolError) as error:
                if not self._may_repeat(link, error):
                    raise self._direct.broken(_words(error)) from error
                link.close()
                self._link = await self._direct.link(fresh=True)
                await self._send(self._link)
                continue
            if isinstance(event, h11.InformationalResponse):
                if event.status_code != 101:
                    continue
                self._raw = True
                self._early = bytes(link.http.trailing_data[0])
                return _head(event)
            if isinstance(event, h11.Response):
                return _head(event)
            raise self._direct.broken("it sent no answer")

    async def read(self, limit: int = WINDOW) -> bytes:
        link = self._taken()
        if self._raw:
            if self._early:
                data, self._early = self._early[:limit], self._early[limit:]
                return data
            return await link.reader.read(limit)
        if self._ended:
            return b""
        try:
            event = await self._event(link)
        except h11.RemoteProtocolError as error:
            raise ConnectionAbortedError(_words(error)) from error
        if isinstance(event, h11.Data):
            return bytes(event.data)
        self._ended = True
        return b""

    async def abort(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        if not self._raw and link.http.our_state is h11.DONE and link.http.their_state is h11.DONE:
            with contextlib.suppress(h11.ProtocolError):
                link.http.start_next_cycle()
                self._direct.keep(link)
                return
        link.close()

    async def _event(self, link: _Link) -> object:
        while True:
            event = link.http.next_event()
            if event is not h11.NEED_DATA:
                return event
            link.http.receive_data(await link.reader.read(WINDOW))

    def _may_repeat(self, link: _Link, error: Exception) -> bool:
        """A kept connection that the server had closed meanwhile: nothing was answered, nothing can have changed."""
        nothing_came = link.http.their_state is h11.SEND_RESPONSE or isinstance(error, ConnectionError)
        return link.used and self._bare and nothing_came and self._request.method.decode() in SAFE

    def _taken(self) -> _Link:
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
        headers += [(b"Impersonate-Extra-" + key.encode(), value.encode()) for value in values]
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


def _head(event: h11.Response | h11.InformationalResponse) -> ResponseHead:
    headers = tuple((bytes(name), bytes(value)) for name, value in event.headers.raw_items())
    return ResponseHead(event.status_code, bytes(event.reason).decode("latin-1"), headers)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
