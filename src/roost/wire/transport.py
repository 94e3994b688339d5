"""A TLS connection as an asyncio transport whose bytes pass OpenSSL once and nothing else.

asyncio's own TLS (and uvloop's) moves each byte through two buffers in memory and makes new objects of 256 KiB for
each record; through two programs with two such connections each, that is what a tunnel costs. Here OpenSSL reads and
writes the socket itself, into one buffer that all connections of a thread share. Called by `connecting`; the
protocols above are those of asyncio, with one difference: **`data_received` gets a memoryview that is good only
during the call**.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterable
from socket import SHUT_WR
from typing import Any, Final

RECORD: Final = 16 * 1024
"""The most that one record of TLS carries."""
SCRATCH: Final = 256 * 1024
"""What one turn of the loop reads of one connection."""
SHORT: Final = 1024
"""After a record below this hardly ever comes another one at once: to try would cost more than to be woken again."""
HIGH: Final = 64 * 1024
CLOSE_SECONDS: Final = 30.0
"""For the other side to take the end of a connection."""

Bytes = bytes | bytearray | memoryview


class _Scratch(threading.local):
    """One buffer a thread: what is read is consumed before anything else is read."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(SCRATCH))
        self.cuts = [self.view[start:] for start in range(0, SCRATCH, RECORD)]


_SCRATCH: Final = _Scratch()


class Wire(asyncio.Transport):
    """Made by `connecting`, after the handshake."""

    def __init__(self, tls: ssl.SSLSocket, protocol: asyncio.BaseProtocol) -> None:
        facts: dict[str, object] = {"socket": tls, "ssl_object": tls, "sslcontext": tls.context}
        for name, ask in (("peername", tls.getpeername), ("sockname", tls.getsockname)):
            with contextlib.suppress(OSError):
                facts[name] = ask()
        super().__init__(facts)
        self._loop = asyncio.get_running_loop()
        self._tls = tls
        self._number = tls.fileno()
        self._protocol: Any = protocol
        self._backlog: deque[Bytes] = deque()
        self._size = 0
        self._retry: Bytes | None = None
        """What OpenSSL has encrypted and the socket did not take; the same bytes must be given again."""
        self._high, self._low = HIGH, HIGH // 4
        self._protocol_paused = False
        self._reading = self._writing = False
        """Whether the loop watches the socket for it."""
        self._paused = False
        self._read_on_write = self._write_on_read = False
        self._closing = self._lost = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Tells the protocol, and begins to read."""
        self._protocol.connection_made(self)
        if not self._paused and not self._closing:
            self._watch()

    # asyncio.Transport.

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return not self._paused and not self._closing

    def pause_reading(self) -> None:
        self._paused = True
        self._unwatch()

    def resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            if not self._closing:
                self._watch()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = HIGH if high is None else high
        self._low = self._high // 4 if low is None else low
        self._mark()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        return self._size

    def write(self, data: Bytes) -> None:
        self.writelines((data,))

    def writelines(self, list_of_data: Iterable[Bytes]) -> None:
        """What the socket does not take now is kept, as a copy unless it is `bytes`."""
        if self._closing:
            return
        if self._retry is not None:
            self._keep(list_of_data)
        else:
            self._push(deque(list_of_data))
        self._mark()

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        """What is written goes out first; then the other side has a while to end, too."""
        if self._closing:
            return
        self._closing = True
        self._unwatch()
        self._timer = self._loop.call_later(CLOSE_SECONDS, self.abort)
        if not self._size:
            self._say_goodbye()

    def abort(self) -> None:
        self._end(None)

    # Reading.

    def _watch(self) -> None:
        if not self._reading:
            self._reading = True
            self._loop.add_reader(self._number, self._readable)

    def _unwatch(self) -> None:
        if self._reading and not self._write_on_read:
            self._reading = False
            self._loop.remove_reader(self._number)

    def _readable(self) -> None:
        if self._write_on_read:
            self._write_on_read = False
            self._writable()
            if self._paused or self._closing:
                self._unwatch()
                return
        view, cuts = _SCRATCH.view, _SCRATCH.cuts
        got, ended = 0, False
        failure: OSError | None = None
        try:
            read = self._tls.recv_into
            while got <= SCRATCH - RECORD:
                count = read(view[got:] if got % RECORD else cuts[got // RECORD], RECORD)
                if not count:
                    ended = True
                    break
                got += count
                if count < SHORT:
                    break
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLWantWriteError:
            self._read_on_write = True
            self._watch_writing()
        except OSError as error:
            failure = error
        if got:
            self._tell(self._protocol.data_received, view[:got])
        if failure is not None:
            self._end(failure)
        elif ended and not self._closing:
            self._unwatch()
            self._paused = True
            if not self._tell(self._protocol.eof_received):
                self.close()

    def _tell(self, call: Callable[..., object], *what: memoryview) -> object:
        try:
            return call(*what)
        except Exception as error:
            context = {"message": "a protocol failed on what it was told", "exception": error, "transport": self}
            self._loop.call_exception_handler(context)
            self._end(error)
            return None

    # Writing.

    def _push(self, pieces: deque[Bytes]) -> None:
        """Writes records as full as they can be; what the socket does not take is kept."""
        send = self._tls.send
        piece: Bytes = b""
        try:
            while pieces:
                piece = next_record(pieces)
                if piece:
                    send(piece)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError) as wants:
            self._retry = _owned(piece)
            self._size += len(piece)
            self._keep(pieces)
            self._wait(wants)
        except OSError as error:
            self._end(error)

    def _writable(self) -> None:
        if self._read_on_write:
            self._read_on_write = False
            self._readable()
        if self._retry is None:
            self._unwatch_writing()
            return
        try:
            self._tls.send(self._retry)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError) as wants:
            self._wait(wants)
            return
        except OSError as error:
            self._end(error)
            return
        self._retry = None
        pieces, self._backlog, self._size = self._backlog, deque(), 0
        self._push(pieces)
        if self._lost:
            return
        if self._retry is None:
            self._unwatch_writing()
        self._mark()
        if self._closing and self._retry is None:
            self._say_goodbye()

    def _wait(self, wants: ssl.SSLError) -> None:
        if isinstance(wants, ssl.SSLWantReadError):
            self._write_on_read = True
            self._watch()
        elif not self._writing:
            self._watch_writing()

    def _watch_writing(self) -> None:
        self._writing = True
        self._loop.add_writer(self._number, self._writable)

    def _unwatch_writing(self) -> None:
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._number)

    def _keep(self, pieces: Iterable[Bytes]) -> None:
        for piece in pieces:
            if len(piece):
                self._backlog.append(_owned(piece))
                self._size += len(piece)

    def _mark(self) -> None:
        if self._lost:
            return
        if self._size > self._high and not self._protocol_paused:
            self._protocol_paused = True
            self._tell(self._protocol.pause_writing)
        elif self._size <= self._low and self._protocol_paused:
            self._protocol_paused = False
            self._tell(self._protocol.resume_writing)

    # The end.

    def _say_goodbye(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            # A socket that does not block: sends the alert, and does not wait for the other side's.
            self._tls.unwrap()
            self._end(None)
            return
        try:
            self._tls.shutdown(SHUT_WR)
        except OSError as error:
            # «Not connected»: the other side is gone, which its users expect by this name.
            self._end(ConnectionResetError(error.errno, error.strerror))
            return
        # Closing while something unread lies here would reset the connection, and what was sent could be lost.
        self._loop.add_reader(self._number, self._discard)
        self._reading = True

    def _discard(self) -> None:
        try:
            if not self._tls.recv(64 * 1024):
                self._end(None)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        if self._lost:
            return
        self._lost = self._closing = True
        self._write_on_read = False
        self._unwatch()
        self._unwatch_writing()
        if self._timer is not None:
            self._timer.cancel()
        self._backlog.clear()
        self._retry, self._size = None, 0
        self._loop.call_soon(self._lose, error)

    def _lose(self, error: Exception | None) -> None:
        try:
            self._protocol.connection_lost(error)
        finally:
            self._tls.close()


def next_record(pieces: deque[Bytes]) -> Bytes:
    """Takes what fills one record off the front; copies only where pieces must be joined. Pure."""
    piece = pieces.popleft()
    size = len(piece)
    if size > RECORD:
        view = memoryview(piece)
        pieces.appendleft(view[RECORD:])
        return view[:RECORD]
    if size == RECORD or not pieces:
        return piece
    parts: list[Bytes] = [piece]
    while pieces and size < RECORD:
        piece = pieces.popleft()
        if len(piece) > RECORD - size:
            view = memoryview(piece)
            pieces.appendleft(view[RECORD - size :])
            piece = view[: RECORD - size]
        parts.append(piece)
        size += len(piece)
    return b"".join(parts)


def _owned(piece: Bytes) -> bytes | memoryview:
    """Something that nobody changes: a view of `bytes` as it is, anything else copied."""
    if isinstance(piece, bytes) or (isinstance(piece, memoryview) and isinstance(piece.obj, bytes)):
        return piece
    return bytes(piece)
