"""One live tunnel on an asyncio transport: the mux, its carrier, and channels that programs read and write.

Both ends use it: `server.Hub` on the transport that the gateway hands over, `agent.dial` on the one it opened. It
never stops reading: what a slow reader leaves lies within that stream's window, and the others go on.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final, cast

from roost.tunnel import heads
from roost.tunnel.carrier import Carrier, Refused
from roost.tunnel.frames import Bytes, GoAway, ProtocolError, Reset
from roost.tunnel.mux import Changed, Control, Going, Limits, Mux, Opened, Pinged, Stream

QUEUE_HIGH: Final = 256 * 1024
"""What one channel may have queued before its writer waits."""
WRITE_BUFFER: Final = 256 * 1024
STALLED_AFTER: Final = 600.0
"""Seconds without credit after which a stream that has something to send is given up."""


class ChannelBroken(ConnectionError):
    """The stream was reset, or its tunnel ended. `code` is a frames.Reset, None when the tunnel ended."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class Channel:
    """One stream as programs use it: at most one reader and one writer at a time."""

    __slots__ = ("_reader", "_session", "_writer", "blocked_since", "on_broken", "stream")

    def __init__(self, session: Session, stream: Stream) -> None:
        self.stream = stream
        self._session = session
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self.blocked_since = 0.0
        self.on_broken: Callable[[], object] | None = None
        """Called when the other side resets the stream, or its tunnel ends."""
        stream.watcher = self

    async def write(self, data: bytes) -> None:
        """Returns when there is room for more."""
        self._check()
        session, stream = self._session, self.stream
        session.mux.send(stream, data)
        session.flush_soon()
        while stream.queued > QUEUE_HIGH:
            self.blocked_since = self.blocked_since or session.loop.time()
            self._writer = session.loop.create_future()
            try:
                await self._writer
            finally:
                self._writer = None
            self._check()
        self.blocked_since = 0.0

    def finish(self) -> None:
        """No more will be written (half-close)."""
        self._session.mux.finish(self.stream)
        self._session.flush_soon()

    async def read(self, limit: int = 65536) -> bytes:
        """Empty at the end of what the other side sends."""
        stream, session = self.stream, self._session
        while not stream.inbox:
            if stream.fin_received:
                return b""
            self._check()
            await self._wait_to_read()
        data = session.mux.take(stream, limit, session.loop.time())
        session.flush_soon()
        return data

    async def answer(self) -> bytes:
        """The payload of OPEN_OK. Raises ChannelRefused for OPEN_ERR."""
        stream = self.stream
        while stream.answer is None:
            if stream.refused is not None:
                raise ChannelRefused(stream.refused)
            self._check()
            await self._wait_to_read()
        return stream.answer

    def accept(self, payload: bytes) -> None:
        self._session.mux.accept(self.stream, payload)
        self._session.flush_soon()

    def refuse(self, payload: bytes) -> None:
        self._session.mux.refuse(self.stream, payload)
        self._session.flush_soon()

    def reset(self, code: int) -> None:
        """Ends the stream on both sides; nothing when it has ended."""
        self._session.mux.reset_stream(self.stream, code)
        self._session.flush_soon()
        self.wake()

    @property
    def is_broken(self) -> bool:
        return self.stream.reset is not None or self._session.cause is not None

    def wake(self) -> None:
        for waiting in (self._reader, self._writer):
            if waiting is not None and not waiting.done():
                waiting.set_result(None)
        if self.on_broken is not None and self.is_broken:
            broken, self.on_broken = self.on_broken, None
            broken()

    def wake_writer(self) -> None:
        if self._writer is not None and not self._writer.done() and self.stream.queued <= QUEUE_HIGH:
            self._writer.set_result(None)

    async def _wait_to_read(self) -> None:
        self._reader = self._session.loop.create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _check(self) -> None:
        if self.stream.reset is not None:
            raise ChannelBroken(_why(self.stream.reset), self.stream.reset)
        if self._session.cause is not None:
            raise ChannelBroken(f"the tunnel ended: {self._session.cause}")


class ChannelRefused(Exception):
    """OPEN_ERR, with its payload."""

    def __init__(self, payload: bytes) -> None:
        super().__init__("the agent refused the stream")
        self.payload = payload


class Session(asyncio.Protocol):
    """`on_open` gets each channel that the peer opened, `on_control` each control document, `on_end` the cause."""

    def __init__(
        self,
        carrier: Carrier,
        *,
        opens: bool,
        on_control: Callable[[heads.Json], None],
        on_open: Callable[[Channel], None] | None = None,
        on_end: Callable[[str], None] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.mux = Mux(opens=opens, limits=limits)
        self.cause: str | None = None
        """Why it ended; None while it lives."""
        self.refused: Refused | None = None
        """The other side's HTTP answer, when it was no tunnel."""
        self.ended: asyncio.Future[str] = self.loop.create_future()
        self.heard = self.loop.time()
        """When the last bytes came, by the loop's clock."""
        self._carrier = carrier
        self._on_control = on_control
        self._on_open = on_open
        self._on_end = on_end
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._flushing = False

    # What programs do.

    def open(self, head: bytes, *, end: bool = False) -> Channel:
        """`end`: nothing will be written. Raises ChannelBroken when the session takes no more streams."""
        if self.cause is not None:
            raise ChannelBroken(f"the tunnel ended: {self.cause}")
        if not self.mux.has_room():
            raise ChannelBroken("the tunnel takes no more streams now")
        channel = Channel(self, self.mux.open(head, end=end))
        self.flush_soon()
        return channel

    def say(self, document: heads.Json) -> None:
        self.mux.say(heads.encode(document))
        self.flush_soon()

    def ping(self) -> None:
        self.mux.ping(int(self.loop.time() * 1000) & 0xFFFFFFFF)
        self.flush_soon()

    def end(self, cause: str, *, code: int = GoAway.NORMAL) -> None:
        """Says goodbye, writes what it can and closes."""
        if self.cause is not None:
            return
        self.mux.go_away(code)
        self._flush()
        self._carrier.close(1000 if code == GoAway.NORMAL else 1001, cause)
        self._write_out()
        if self._transport is not None:
            self._transport.close()
        self._finish(cause)

    def abort(self, cause: str) -> None:
        """Closes at once; the peer may be gone."""
        if self._transport is not None:
            self._transport.abort()
        self._finish(cause)

    def give_up_stalled(self) -> None:
        """Ends streams whose reader has taken nothing for too long. Called now and then."""
        now = self.loop.time()
        for stream in list(self.mux.streams.values()):
            channel = cast("Channel | None", stream.watcher)
            if channel is not None and channel.blocked_since and now - channel.blocked_since > STALLED_AFTER:
                channel.reset(Reset.STALLED)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER)
        tune(self._transport)
        self._write_out()

    def data_received(self, data: Bytes) -> None:
        """`data` may be a view of a buffer that is written again afterwards."""
        self.heard = self.loop.time()
        try:
            for message in self._carrier.receive(data):
                for event in self.mux.receive(message, self.heard):
                    self._handle(event)
        except Refused as refused:
            self.refused = refused
            self.abort(str(refused))
            return
        except ProtocolError as error:
            self.end(f"protocol error: {error}", code=GoAway.PROTOCOL_ERROR)
            return
        if self._carrier.was_closed:
            self._write_out()
            said = self._carrier.farewell
            self.abort(f"the other side closed it: {said}" if said else "the other side closed it")
            return
        self._flush()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(f"the connection broke: {exc}" if exc is not None else "the other side closed the connection")

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._flush()

    # Within.

    def flush_soon(self) -> None:
        """Everything that one turn of the loop queues goes out together."""
        if not self._flushing and not self._paused:
            self._flushing = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self.cause is not None or self._transport is None or not self._carrier.is_open:
            return
        while not self._paused:
            pulled = self.mux.pull_parts()
            if pulled is None:
                break
            parts, relieved = pulled
            self._carrier.send(*parts)
            self._write_out()
            if relieved is not None and relieved.watcher is not None:
                cast("Channel", relieved.watcher).wake_writer()

    def _write_out(self) -> None:
        if self._transport is None:
            return
        if parts := self._carrier.outgoing():
            self._transport.writelines(parts)

    def _handle(self, event: object) -> None:
        if isinstance(event, Changed):
            if event.stream.watcher is not None:
                cast("Channel", event.stream.watcher).wake()
        elif isinstance(event, Opened):
            channel = Channel(self, event.stream)
            if self._on_open is None:
                channel.reset(Reset.INTERNAL)
            else:
                self._on_open(channel)
        elif isinstance(event, Control):
            self._on_control(heads.decode(event.payload))
        elif isinstance(event, Pinged):
            took = ((int(self.loop.time() * 1000) - event.value) & 0xFFFFFFFF) / 1000
            if took < 60:
                former = self.mux.round_trip
                self.mux.round_trip = took if not former else former * 0.75 + took * 0.25
        elif isinstance(event, Going) and event.code not in {GoAway.NORMAL, GoAway.DRAINING}:
            raise ProtocolError(f"the other side gave up with code {event.code}")

    def _finish(self, cause: str) -> None:
        if self.cause is not None:
            return
        self.cause = cause
        for stream in list(self.mux.streams.values()):
            if stream.watcher is not None:
                cast("Channel", stream.watcher).wake()
        if not self.ended.done():
            self.ended.set_result(cause)
        if self._on_end is not None:
            self._on_end(cause)


def tune(transport: asyncio.Transport) -> None:
    """Small frames leave at once, and a peer that vanished is noticed by the kernel, too."""
    plain = transport.get_extra_info("socket")
    if plain is None or plain.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)


_CAUSES: Final[dict[int, str]] = {
    Reset.CANCELLED: "whoever asked went away",
    Reset.UPSTREAM_BROKEN: "the connection to the API server broke in the middle of the answer",
    Reset.STALLED: "its reader took nothing for too long",
    Reset.OVERLOADED: "too much of it lay unread",
}


def _why(code: int) -> str:
    return _CAUSES.get(code, "an error in the agent; its log says which")
