"""How a `Wire` comes to be: dialled to an address, or taken by a listener. Certificates are judged by the context.

Called by kube/direct and the tunnel's agent (dial), the gateway's front (listen).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from roost.wire.transport import Wire

P = TypeVar("P", bound=asyncio.BaseProtocol)
ACCEPT_MOST: Final = 64
"""Connections that one turn of the loop takes."""
HANDSHAKES_MOST: Final = 512
_LOG: Final = logging.getLogger("roost.wire")


async def reach(host: str, port: int, addresses: Sequence[str] = ()) -> socket.socket:
    """A TCP connection to the first address that answers; a name is looked up where no address is given.

    Raises OSError of the last one.
    """
    loop = asyncio.get_running_loop()
    failure: OSError | None = None
    for name in addresses or (host,):
        for family, kind, number, _, address in await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM):
            plain = socket.socket(family, kind, number)
            plain.setblocking(False)
            try:
                await loop.sock_connect(plain, address)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return plain
            except OSError as error:
                plain.close()
                failure = error
            except BaseException:
                plain.close()
                raise
    raise failure or OSError("no address")


async def secure(plain: socket.socket, context: ssl.SSLContext, name: str, make: Callable[[], P]) -> tuple[Wire, P]:
    """TLS as the client over a connected socket, which is closed where it fails. Raises ssl.SSLError, OSError."""
    try:
        tls = context.wrap_socket(plain, do_handshake_on_connect=False, server_hostname=name)
    except BaseException:
        plain.close()
        raise
    return await _shaken(tls, make)


async def _shaken(tls: ssl.SSLSocket, make: Callable[[], P]) -> tuple[Wire, P]:
    try:
        await _shake(tls)
        protocol = make()
        wire = Wire(tls, protocol)
    except BaseException:
        tls.close()
        raise
    wire.begin()
    return wire, protocol


async def _shake(tls: ssl.SSLSocket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            tls.do_handshake()
            return
        except ssl.SSLWantReadError:
            await _ready(tls, loop.add_reader, loop.remove_reader)
        except ssl.SSLWantWriteError:
            await _ready(tls, loop.add_writer, loop.remove_writer)


async def _ready(tls: ssl.SSLSocket, add: Callable[..., None], remove: Callable[[int], object]) -> None:
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    number = tls.fileno()
    add(number, lambda: ready.done() or ready.set_result(None))
    try:
        await ready
    finally:
        remove(number)


class Listener:
    """Takes connections at one address. `make` gives the protocol of each, once its handshake is done."""

    def __init__(
        self,
        host: str,
        port: int,
        context: ssl.SSLContext,
        make: Callable[[], asyncio.BaseProtocol],
        *,
        backlog: int,
        seconds: float,
    ) -> None:
        """`seconds`: for the handshake. Raises OSError where the address can't be used."""
        self._context = context
        self._make = make
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._shaking: set[asyncio.Task[None]] = set()
        self._again: asyncio.TimerHandle | None = None
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        self._socket = socket.socket(family, kind, number)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.bind(address)
            self._socket.listen(backlog)
        except BaseException:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self._loop.add_reader(self._socket.fileno(), self._take)

    def close(self) -> None:
        """Takes no more; connections that were taken go on."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
        if self._again is not None:
            self._again.cancel()
        for task in list(self._shaking):
            task.cancel()

    def _take(self) -> None:
        for _ in range(ACCEPT_MOST):
            try:
                plain, _address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # No more file descriptors: the queue in the kernel waits a little.
                _LOG.warning("no connection taken: %s", error)
                self._loop.remove_reader(self._socket.fileno())
                self._again = self._loop.call_later(1.0, self._resume)
                return
            if len(self._shaking) >= HANDSHAKES_MOST:
                plain.close()
                continue
            plain.setblocking(False)
            task = self._loop.create_task(self._admit(plain))
            self._shaking.add(task)
            task.add_done_callback(self._shaking.discard)

    def _resume(self) -> None:
        self._loop.add_reader(self._socket.fileno(), self._take)

    async def _admit(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            # Whoever speaks no TLS, or not in time, is not worth a word.
            async with asyncio.timeout(self._seconds):
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    tls = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
                except BaseException:
                    plain.close()
                    raise
                await _shaken(tls, self._make)
