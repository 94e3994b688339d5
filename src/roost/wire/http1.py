"""HTTP/1.1 towards an API server: one request at a time on a connection, bodies as they come. asyncio.

Not a general client: API servers are the only peers, their answers are read with hard limits, and chunk framing is
taken off many chunks at a time, which is what lets large lists pass at full speed. Called by kube/direct and by the
tunnel's agent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, cast

from roost.api.exchange import Headers
from roost.wire.transport import Bytes

LARGEST_HEAD: Final = 64 * 1024
LARGEST_CHUNK_LINE: Final = 256
HIGH: Final = 256 * 1024
LOW: Final = 64 * 1024
_NO_BODY: Final = frozenset({204, 304})
_TOKEN: Final = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_CONTROLS: Final = bytes(c for c in range(32) if c != 9) + b"\x7f"


class BrokenAnswer(ConnectionAbortedError):
    """The connection ended, or what came is no HTTP. `began`: some of the answer had come."""

    def __init__(self, message: str, *, began: bool) -> None:
        super().__init__(message)
        self.began = began


@dataclass(frozen=True)
class AnswerHead:
    status: int
    reason: str
    headers: Headers


class Connection(asyncio.Protocol):
    """One TLS connection to the API server."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._head: AnswerHead | None = None
        self._method = ""
        self._mode = "idle"
        """idle, head, length, chunks, close, raw, done."""
        self._left = 0
        self._trailer = False
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._reading_paused = False
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._writing_paused = False
        self._broken: str | None = None
        self._keep = True
        self._sent_all = False
        self.reused = False
        self.idle_since = 0.0

    # The request.

    def request(self, method: str, head: bytes) -> None:
        """Writes a request's head; its body follows by `write`."""
        self._method, self._mode = method, "head"
        self._head, self._sent_all = None, False
        if self._transport is not None and self._broken is None:
            self._transport.write(head)

    async def write(self, *pieces: Bytes) -> None:
        """Returns when there is room for more. Raises BrokenAnswer."""
        if self._broken is not None or self._transport is None:
            raise BrokenAnswer(self._broken or "not connected", began=self._head is not None)
        self._transport.writelines(pieces)
        await self._room()

    async def flush(self) -> None:
        """Returns when everything written is on its way."""
        if self._transport is not None and self._broken is None:
            self._transport.set_write_buffer_limits(high=0)
            await self._room()

    def sent(self) -> None:
        """The request is complete."""
        self._sent_all = True

    # The answer.

    async def head(self) -> AnswerHead:
        while self._head is None:
            if self._broken is not None:
                raise BrokenAnswer(self._broken, began=bool(self._buffer))
            await self._wait()
        return self._head

    async def read(self, limit: int = 0) -> bytes:
        """The next piece of the body, or of the raw stream after a 101; empty at its end. At most `limit` bytes,
        where that is not 0. Raises BrokenAnswer."""
        while not self._pieces:
            if self._mode in {"done", "idle"}:
                return b""
            if self._broken is not None:
                if self._mode in {"close", "raw"}:
                    return b""
                raise BrokenAnswer(self._broken, began=True)
            await self._wait()
        piece = self._pieces.popleft()
        if limit and len(piece) > limit:
            self._pieces.appendleft(piece[limit:])
            piece = piece[:limit]
        self._held -= len(piece)
        if self._reading_paused and self._held <= LOW and self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()
        return piece

    @property
    def reusable(self) -> bool:
        """Whether another request may follow."""
        return (
            self._mode in {"done", "idle"}
            and self._keep
            and self._broken is None
            and not self._pieces
            and (self._sent_all or self._mode == "idle")
            and not self._buffer
        )

    def recycle(self) -> None:
        self._mode = "idle"
        self.reused = True
        self.idle_since = self._loop.time()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH)

    def data_received(self, data: Bytes) -> None:
        """`data` may be a view of a buffer that is written again afterwards."""
        try:
            if self._mode == "head":
                self._buffer += data
                self._read_head()
            elif self._mode in {"idle", "done"}:
                raise ValueError("bytes that nobody asked for")
            else:
                self._read_body(data)
        except ValueError as error:
            self._broken = f"the API server's answer can't be read: {error}"
            self.abort()
        self._wake()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._broken is None:
            self._broken = f"the connection to the API server broke: {exc}" if exc else "the API server closed it"
        self._wake()
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    # Within.

    def _read_head(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > LARGEST_HEAD:
                raise ValueError(f"headers of more than {LARGEST_HEAD} bytes")
            return
        head = parse_head(bytes(self._buffer[:end]))
        rest = bytes(self._buffer[end + 4 :])
        self._buffer.clear()
        if head.status < 200 and head.status != 101:
            self._buffer += rest
            self._read_head()
            return
        self._begin_body(head)
        self._head = head
        if rest:
            self._read_body(rest)

    def _begin_body(self, head: AnswerHead) -> None:
        values = {name.lower(): value for name, value in head.headers}
        connection = values.get(b"connection", b"").lower()
        self._keep = b"close" not in connection
        if head.status == 101:
            self._mode, self._keep = "raw", False
        elif self._method == "HEAD" or head.status in _NO_BODY:
            self._mode = "done"
        elif values.get(b"transfer-encoding", b"").lower() == b"chunked":
            self._mode, self._left, self._trailer = "chunks", 0, False
        elif b"content-length" in values:
            self._left = int(values[b"content-length"])
            self._mode = "length" if self._left else "done"
        else:
            self._mode, self._keep = "close", False

    def _read_body(self, data: Bytes) -> None:
        if self._mode == "length":
            if len(data) > self._left:
                raise ValueError("more than its Content-Length")
            self._left -= len(data)
            self._put(bytes(data))
            if not self._left:
                self._mode = "done"
        elif self._mode == "chunks":
            self._read_chunks(data)
        elif self._mode == "done":
            raise ValueError("bytes behind its end")
        else:
            self._put(bytes(data))

    def _read_chunks(self, data: Bytes) -> None:
        """Takes the framing off; everything that one call finds becomes one piece. `_left` counts a chunk's CRLF."""
        if self._buffer:
            data = bytes(self._buffer) + data
            self._buffer.clear()
        view, position, end = memoryview(data), 0, len(data)
        found: list[memoryview] = []
        while position < end:
            if self._left > 2:
                size = min(self._left - 2, end - position)
                found.append(view[position : position + size])
                position += size
                self._left -= size
                continue
            if self._left:
                expected = b"\r\n"[2 - self._left : 2 - self._left + 1]
                if bytes(view[position : position + 1]) != expected:
                    raise ValueError("a chunk that does not end where it should")
                position += 1
                self._left -= 1
                continue
            line, ending, _ = bytes(view[position : position + LARGEST_CHUNK_LINE + 2]).partition(b"\r\n")
            if not ending:
                if end - position > LARGEST_CHUNK_LINE:
                    raise ValueError("a chunk without a size")
                self._buffer += view[position:]
                break
            position += len(line) + 2
            if self._trailer:
                if not line:
                    self._mode = "done"
                    if position < end:
                        raise ValueError("bytes behind its end")
                    break
                continue
            digits = line.split(b";", 1)[0].strip()
            if not digits or not _HEX.issuperset(digits):
                raise ValueError("a chunk without a size")
            size = int(digits, 16)
            if size == 0:
                self._trailer = True
            else:
                self._left = size + 2
        if found:
            self._put(b"".join(found) if len(found) > 1 else bytes(found[0]))

    def _put(self, data: bytes) -> None:
        self._pieces.append(data)
        self._held += len(data)
        if self._held > HIGH and not self._reading_paused and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()

    async def _room(self) -> None:
        if self._writing_paused and self._broken is None:
            self._writer = self._loop.create_future()
            try:
                await self._writer
            finally:
                self._writer = None

    async def _wait(self) -> None:
        self._reader = self._loop.create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def parse_head(raw: bytes) -> AnswerHead:
    """Status line and headers. Raises ValueError."""
    lines = raw.split(b"\r\n")
    parts = lines[0].split(b" ", 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1."):
        raise ValueError("no HTTP/1 status line")
    headers: list[tuple[bytes, bytes]] = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not name or not _TOKEN.issuperset(name):
            raise ValueError("a header without a name")
        headers.append((name, value.strip()))
    reason = parts[2].decode("latin-1") if len(parts) > 2 else ""
    status = int(parts[1])
    if not 100 <= status <= 599:
        raise ValueError(f"status {status}")
    lengths = {value for name, value in headers if name.lower() == b"content-length"}
    if len(lengths) > 1 or any(not value.isdigit() for value in lengths):
        raise ValueError("a Content-Length that is none")
    return AnswerHead(status, reason, tuple(headers))


def request_head(method: str, target: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The bytes of a request's head. Raises ValueError for what has no place in one."""
    first = f"{method} {target} HTTP/1.1".encode("ascii")
    if first.count(b" ") != 2 or any(c <= 0x20 or c == 0x7F for c in first.replace(b" ", b"")):
        raise ValueError("a target that holds spaces or control characters")
    return b"\r\n".join([first, *(header_line(name, value) for name, value in headers), b"", b""])


def header_line(name: bytes, value: bytes) -> bytes:
    """Raises ValueError for what would be more than one header."""
    if not name or not _TOKEN.issuperset(name):
        raise ValueError("a header's name holds characters that have no place in one")
    if value.translate(None, _CONTROLS) != value:
        raise ValueError(f"the header {name.decode()} holds control characters")
    return name + b": " + value
