"""The TLS front: connections, request heads, bodies and upgrades, streamed. Knows nothing of what is behind it.

One task per connection; a request's handler gets a `Client`, reads its body and writes its answer piece by piece.
asyncio and h11, since neither ASGI nor an HTTP library can hand over a connection that goes on as SPDY.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, cast

import h11

from roost.api.exchange import Headers
from roost.gateway import headers as heads
from roost.gateway.refusal import Refusal
from roost.wire import connecting
from roost.wire.transport import Bytes

HEAD_SECONDS: Final = 10.0
"""From a request's first byte, or a connection's beginning, to the end of its headers."""
IDLE_SECONDS: Final = 120.0
BODY_SECONDS: Final = 120.0
"""Without a byte of a body that was announced."""
STALLED_SECONDS: Final = 600.0
"""For a reader that takes nothing: then its connection ends."""
HEAD_LARGEST: Final = 64 * 1024
WINDOW: Final = 64 * 1024
AT_ONCE: Final = 16 * 1024
"""What is gathered of an answer before it is written: a record of TLS."""
CONNECTIONS: Final = 20_000
"""At once; agents hold two each."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_LOG: Final = logging.getLogger("roost.gateway")


@dataclass(frozen=True)
class Request:
    method: str
    target: bytes
    headers: Headers
    content_length: int | None
    """None: its length is not known (chunked)."""
    upgrade: str | None
    address: str
    """Of the client."""


class ClientGone(ConnectionError):
    """Nobody is there any more to be answered."""


class Client:
    """One connection as a handler sees it, for one request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._transport = writer.transport
        self._loop = asyncio.get_running_loop()
        self._out: list[Bytes] = []
        """Written with the next turn of the loop, so that a small answer is one record and not three."""
        self._out_size = 0
        self._flushing: asyncio.Handle | None = None
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LARGEST)
        self._early = b""
        self._ended = False
        self.handed_over = False
        self.sent = 0
        """Bytes of the answer's body, or of the raw stream."""
        self.started = False
        self._transport.set_write_buffer_limits(high=WINDOW)
        peer = writer.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        secured: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
        self.certificate = (secured.getpeercert(binary_form=True) if secured is not None else None) or b""
        """The client's own (DER), where the context asks for one."""

    async def next_request(self, *, first: bool) -> Request | None:
        """None where the client has ended. Raises h11.RemoteProtocolError, Refusal, TimeoutError."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (HEAD_SECONDS if first else IDLE_SECONDS)
        begun = first
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                self._ended = False
                self.sent, self.started = 0, False
                return self._request(event)
            if isinstance(event, h11.ConnectionClosed):
                return None
            if event is not h11.NEED_DATA:
                raise Refusal(400, "the request can't be read")
            async with asyncio.timeout_at(deadline):
                data = await self._reader.read(WINDOW)
            if not begun:
                begun = True
                deadline = loop.time() + HEAD_SECONDS
            self._http.receive_data(data)

    def _request(self, event: h11.Request) -> Request:
        headers = tuple((bytes(name), bytes(value)) for name, value in event.headers.raw_items())
        if sum(len(name) + len(value) + 4 for name, value in headers) > HEAD_LARGEST:
            raise Refusal(431, f"the headers have more than {HEAD_LARGEST} bytes", cause="HeaderInvalid")
        method = bytes(event.method).decode("ascii", "replace")
        if method not in METHODS:
            raise Refusal(405, f"the method {method[:20]} is not taken")
        if sum(name.lower() == b"host" for name, _ in headers) != 1 and event.http_version >= b"1.1":
            raise Refusal(400, "the request names no host, or two")
        length = heads.value_of(headers, b"content-length")
        chunked = any(name.lower() == b"transfer-encoding" for name, _ in headers)
        if chunked and length is not None:
            # h11 takes chunked then; what is behind us must not get to choose the other one.
            raise Refusal(400, "a request has Content-Length or Transfer-Encoding, not both", cause="HeaderInvalid")
        upgrade = heads.upgrade_wanted(headers)
        if upgrade and (chunked or int(length or 0)):
            raise Refusal(400, "a request that asks for an upgrade has no body", cause="UpgradeRefused")
        size = None if chunked else int(length or 0)
        return Request(method, bytes(event.target), headers, size, upgrade, self.address)

    async def read(self) -> bytes:
        """The next piece of the request's body; empty at its end. Raises ClientGone."""
        while not self._ended:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise ClientGone(str(error)) from error
            if isinstance(event, h11.Data):
                return bytes(event.data)
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    await self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
                try:
                    async with asyncio.timeout(BODY_SECONDS):
                        data = await self._reader.read(WINDOW)
                except (TimeoutError, OSError) as error:
                    raise ClientGone("the request's body broke off") from error
                self._http.receive_data(data)
                continue
            self._ended = True
        return b""

    def when_gone(self, call: Callable[[], object] | None) -> None:
        """What is called once the client has closed the connection; at most once, and not where it sends ahead more
        than the connection holds: then its end is noticed when writing."""
        protocol = cast("_Protocol", self._transport.get_protocol())
        protocol.when_gone(call)

    async def start(self, status: int, headers: list[tuple[bytes, bytes]], *, reason: str = "") -> None:
        self.started = True
        answer = h11.Response(status_code=status, headers=headers, reason=reason.encode("latin-1", "replace"))
        self._queue(self._http.send(answer) or b"")

    async def send(self, data: bytes) -> None:
        self.sent += len(data)
        for piece in self._http.send_with_data_passthrough(h11.Data(data=data)) or []:
            self._queue(piece)
        if self._out_size >= AT_ONCE:
            self._write_out()
            await self._drain()

    async def finish(self) -> None:
        self._queue(self._http.send(h11.EndOfMessage()) or b"")
        self._write_out()
        await self._drain()

    async def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """A whole answer at once."""
        self.started = True
        self.sent += len(body)
        head = h11.Response(
            status_code=status, headers=[*headers, (b"Content-Length", str(len(body)).encode())], reason=b""
        )
        data = self._http.send(head) or b""
        data += self._http.send(h11.Data(data=body)) or b""
        data += self._http.send(h11.EndOfMessage()) or b""
        await self._write(data)

    async def switch(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Answers 101; from here on the connection is a raw stream."""
        self.started = True
        answer = h11.InformationalResponse(status_code=101, headers=headers, reason=b"Switching Protocols")
        data = self._http.send(answer) or b""
        self._early = bytes(self._http.trailing_data[0])
        await self._write(data)

    async def raw_read(self, limit: int = WINDOW) -> bytes:
        """Empty at the end."""
        if self._early:
            data, self._early = self._early[:limit], self._early[limit:]
            return data
        try:
            return await self._reader.read(limit)
        except OSError:
            return b""

    async def raw_write(self, data: bytes) -> None:
        self.sent += len(data)
        await self._write(data)

    async def flush(self) -> None:
        """Returns when everything written is on its way: closing with more than that would cut a slow reader off."""
        self._write_out()
        self._transport.set_write_buffer_limits(high=0)
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                await self._writer.drain()
        except (TimeoutError, ConnectionError) as error:
            raise ClientGone(str(error)) from error

    def hand_over(self) -> tuple[asyncio.Transport, bytes]:
        """The connection and what was read ahead; whoever takes it speaks on it and closes it (a tunnel)."""
        self.started = self.handed_over = True
        self._write_out()
        self._http.next_event()
        ahead = bytes(self._reader._buffer)  # type: ignore[attr-defined]  # pyright: ignore
        transport = cast("asyncio.Transport", self._writer.transport)
        return transport, bytes(self._http.trailing_data[0]) + ahead

    def can_go_on(self) -> bool:
        """Makes ready for the next request, where the last one ended cleanly."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            with contextlib.suppress(h11.ProtocolError):
                self._http.start_next_cycle()
                return True
        return False

    def abort(self) -> None:
        """Ends the connection now."""
        self._transport.abort()

    def _queue(self, data: Bytes) -> None:
        if not len(data):
            return
        self._out.append(data)
        self._out_size += len(data)
        if self._flushing is None:
            self._flushing = self._loop.call_soon(self._write_out)

    def _write_out(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        out, self._out, self._out_size = self._out, [], 0
        if out:
            self._transport.writelines(out)

    async def _write(self, data: bytes) -> None:
        self._queue(data)
        self._write_out()
        await self._drain()

    async def _drain(self) -> None:
        transport = self._transport
        try:
            if transport.is_closing():
                raise ClientGone("the connection is closed")
            if transport.get_write_buffer_size() > WINDOW:
                async with asyncio.timeout(STALLED_SECONDS):
                    await self._writer.drain()
        except TimeoutError:
            self.abort()
            raise ClientGone(f"nothing was read for {STALLED_SECONDS:g} s") from None
        except ConnectionError as error:
            raise ClientGone(str(error)) from error


class _Protocol(asyncio.StreamReaderProtocol):
    """Tells the end of a connection also to who does not read."""

    _call: Callable[[], object] | None = None
    _is_gone = False

    def when_gone(self, call: Callable[[], object] | None) -> None:
        self._call = call
        if self._is_gone:
            self._gone()

    def eof_received(self) -> bool | None:
        self._gone()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone()
        super().connection_lost(exc)

    def _gone(self) -> None:
        self._is_gone = True
        call, self._call = self._call, None
        if call is not None:
            call()


Handler = Callable[[Request, Client], Awaitable[None]]


class Front:
    """Listens; `serve` may be called for several addresses, also later."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext) -> None:
        self._handler = handler
        self._tls = tls
        self._servers: dict[tuple[str, int], connecting.Listener] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, host: str, port: int) -> int:
        """Gives the port, which is chosen where it is 0."""
        server = connecting.Listener(host, port, self._tls, self._protocol, backlog=512, seconds=HEAD_SECONDS)
        self._servers[host, server.port] = server
        return server.port

    async def close(self, *, seconds: float = 3.0) -> None:
        """Takes no more connections, gives those under way some time, then ends them."""
        for server in self._servers.values():
            server.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)

    def _protocol(self) -> _Protocol:
        return _Protocol(asyncio.StreamReader(limit=WINDOW), self._connected)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._tasks) >= CONNECTIONS:
            writer.transport.abort()
            return
        self._tasks.add(task)
        client = Client(reader, writer)
        connection: socket.socket | None = writer.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
        try:
            await self._serve(client)
        except (ClientGone, ConnectionError, TimeoutError, ssl.SSLError):
            client.abort()
        except asyncio.CancelledError:
            client.abort()
        except Exception:
            _LOG.exception("a connection ended by an error")
            client.abort()
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, client: Client) -> None:
        first = True
        while True:
            try:
                request = await client.next_request(first=first)
            except h11.RemoteProtocolError as error:
                await _refuse(client, Refusal(error.error_status_hint or 400, f"the request can't be read: {error}"))
                return
            except Refusal as refusal:
                await _refuse(client, refusal)
                return
            if request is None:
                return
            first = False
            try:
                await self._handler(request, client)
            except Refusal as refusal:
                if client.started:
                    return
                await answer_refusal(client, refusal)
            if client.handed_over:
                return
            if not client.can_go_on():
                await client.flush()
                return


async def answer_refusal(client: Client, refusal: Refusal) -> None:
    headers = list(refusal.headers)
    await client.answer(refusal.code, headers, refusal.body())


async def _refuse(client: Client, refusal: Refusal) -> None:
    """As an answer to what could not be read; the connection ends after it."""
    with contextlib.suppress(h11.LocalProtocolError, ClientGone):
        headers = [*refusal.headers, (b"Connection", b"close")]
        await client.answer(refusal.code, headers, refusal.body())
