"""Many streams over one carrier, each with credit of its own: the state of a session, without I/O.

`session` feeds it messages and the clock, and writes what `pull` gives. Rules that keep one slow stream from
holding up the others:

- a sender never has more under way on a stream than the receiver has granted; the receiver grants again when its
  reader has *taken* half a window, never when data has merely arrived;
- received data is always taken off the carrier; what nobody reads stays within that stream's window;
- what is written goes out control frames first, then one piece of each stream in turn;
- only one side opens streams (the platform); an OPEN from the other is a protocol error.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from roost.tunnel.frames import (
    ACK,
    FIN,
    HEADER,
    INITIAL_WINDOW,
    LARGEST_WINDOW,
    VERSION,
    Bytes,
    Frame,
    GoAway,
    ProtocolError,
    Reset,
    Type,
    decode,
)

QUANTUM: Final = 32 * 1024 - 20
"""Of one stream's data before it is the next one's turn. With the headers before it (20 bytes) it fills two records
of TLS; one more would carry 20 bytes."""
ALONE: Final = 64 * 1024 - 20
"""The same, where no other stream has anything to send."""
GROW_WITHIN: Final = 0.01
"""Seconds. Who takes half a window in less than this, or in less than four round trips, is given a larger one."""
BATCH: Final = 64 * 1024
"""Control frames are gathered into one message up to this size."""


@dataclass(frozen=True)
class Limits:
    """What one session may hold; the peer can't raise them."""

    streams: int = 1000
    unanswered: int = 256
    """Streams that were opened and not answered yet."""
    unread: int = 64 * 1024 * 1024
    """Received bytes of all streams together that nobody has read; also the most credit that windows grow to."""
    control: int = 4096
    """Frames that wait to be written; a peer that makes us answer faster than it reads is cut off."""


class Stream:
    """One stream's state. `session.Channel` is what programs use."""

    __slots__ = (
        "answer",
        "answered",
        "credit",
        "fin_queued",
        "fin_received",
        "fin_sent",
        "granted",
        "granted_at",
        "head",
        "id",
        "inbox",
        "outbox",
        "queued",
        "ready",
        "refused",
        "reset",
        "taken",
        "unread",
        "watcher",
        "window",
    )

    def __init__(self, number: int, head: bytes) -> None:
        self.id = number
        self.head = head
        self.answer: bytes | None = None
        """Payload of OPEN_OK, on the opener's side."""
        self.refused: bytes | None = None
        """Payload of OPEN_ERR."""
        self.answered = False
        self.reset: int | None = None
        self.outbox: deque[memoryview] = deque()
        self.queued = 0
        self.credit = INITIAL_WINDOW
        self.fin_queued = False
        self.fin_sent = False
        self.ready = False
        """Whether it stands in the queue of streams that have something to send."""
        self.inbox: deque[bytes | memoryview] = deque()
        self.unread = 0
        self.fin_received = False
        self.window = INITIAL_WINDOW
        self.granted = INITIAL_WINDOW
        """What the peer may still send."""
        self.taken = 0
        self.granted_at = 0.0
        self.watcher: object | None = None
        """Whoever wants to hear of changes; the session's business."""

    @property
    def ended(self) -> bool:
        return self.reset is not None or self.refused is not None or (self.fin_sent and self.fin_received)


@dataclass(frozen=True, slots=True)
class Opened:
    """The peer opened a stream."""

    stream: Stream


@dataclass(frozen=True, slots=True)
class Changed:
    """Data, room, an answer or an end for a stream."""

    stream: Stream


@dataclass(frozen=True, slots=True)
class Control:
    """A control document."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Pinged:
    """The answer to a ping."""

    value: int


@dataclass(frozen=True, slots=True)
class Going:
    """The peer ends the session, or drains it."""

    code: int


Event = Opened | Changed | Control | Pinged | Going


class Mux:
    """`opens`: this side opens streams (the platform); the other one answers them."""

    def __init__(self, *, opens: bool, limits: Limits | None = None) -> None:
        self._opens = opens
        self._limits = limits or Limits()
        self._next = 1
        self._last_opened = 0
        self.streams: dict[int, Stream] = {}
        self._control: deque[Frame] = deque()
        self._ready: deque[Stream] = deque()
        self._unread = 0
        self._grown = 0
        self._unanswered = 0
        self.round_trip = 0.0
        """Seconds; the session measures it. Windows grow by it."""
        self.draining = False
        """The peer takes no new streams."""

    # What programs do.

    def has_room(self) -> bool:
        """Whether `open` is possible now."""
        limits = self._limits
        return not self.draining and len(self.streams) < limits.streams and self._unanswered < limits.unanswered

    def open(self, head: bytes, *, end: bool = False) -> Stream:
        if not self._opens:
            raise RuntimeError("this side does not open streams")
        stream = Stream(self._next, head)
        self._next += 2
        self.streams[stream.id] = stream
        self._unanswered += 1
        stream.fin_queued = stream.fin_sent = end
        self._control.append(Frame(Type.OPEN, stream.id, head, flags=FIN if end else 0))
        return stream

    def accept(self, stream: Stream, answer: bytes) -> None:
        if self._is_live(stream) and not stream.answered:
            stream.answered = True
            self._control.append(Frame(Type.OPEN_OK, stream.id, answer))

    def refuse(self, stream: Stream, why: bytes) -> None:
        if self._is_live(stream) and not stream.answered:
            stream.refused = why
            self._control.append(Frame(Type.OPEN_ERR, stream.id, why))
            self._drop(stream)

    def send(self, stream: Stream, data: bytes) -> None:
        """Queues data; the caller keeps `queued` small. Nothing for a stream that has ended."""
        if not data or not self._is_live(stream) or stream.fin_queued:
            return
        stream.outbox.append(memoryview(data))
        stream.queued += len(data)
        self._make_ready(stream)

    def finish(self, stream: Stream) -> None:
        """No more will be sent; what is queued goes out first."""
        if self._is_live(stream) and not stream.fin_queued:
            stream.fin_queued = True
            self._make_ready(stream)

    def reset_stream(self, stream: Stream, code: int) -> None:
        if self._is_live(stream):
            stream.reset = code
            self._control.append(Frame(Type.RESET, stream.id, value=code))
            self._drop(stream)

    def take(self, stream: Stream, limit: int, now: float) -> bytes:
        """At most `limit` received bytes; empty when none are there. Grants credit for what was taken."""
        if not stream.inbox:
            return b""
        data = stream.inbox[0]
        if len(data) > limit:
            stream.inbox[0] = data[limit:]
            data = data[:limit]
        else:
            stream.inbox.popleft()
        stream.unread -= len(data)
        if self._is_live(stream):
            self._unread -= len(data)
            stream.taken += len(data)
            if stream.taken * 2 >= stream.window and not stream.fin_received:
                self._grant(stream, now)
        return data if isinstance(data, bytes) else bytes(data)

    def say(self, payload: bytes) -> None:
        """Sends a control document."""
        self._control.append(Frame(Type.CONTROL, payload=payload))

    def ping(self, value: int) -> None:
        self._control.append(Frame(Type.PING, value=value))

    def go_away(self, code: int) -> None:
        self._control.append(Frame(Type.GOAWAY, value=code))

    # What the carrier does.

    def receive(self, message: Bytes, now: float) -> list[Event]:
        """Raises ProtocolError; then the session is over."""
        events: list[Event] = []
        for frame in decode(message):
            event = self._receive(frame, now)
            if event is not None:
                events.append(event)
        if self._unread > self._limits.unread:
            events.append(Changed(self._relieve()))
        if len(self._control) > self._limits.control:
            raise ProtocolError("the peer asks for answers and does not read them")
        return events

    def pull(self) -> tuple[bytes, Stream | None] | None:
        """As `pull_parts`, in one piece."""
        pulled = self.pull_parts()
        return None if pulled is None else (b"".join(pulled[0]), pulled[1])

    def pull_parts(self) -> tuple[list[Bytes], Stream | None] | None:
        """The next message to write, in parts, and the stream that has room again by it. None: nothing to send."""
        parts: list[Bytes] = []
        size = 0
        while self._control and size < BATCH:
            frame = self._control.popleft()
            number = len(frame.payload) if frame.payload else frame.value
            parts += (HEADER.pack(VERSION, frame.type, frame.flags, frame.stream, number), frame.payload)
            size += len(frame.payload)
        relieved = None
        if size < QUANTUM:
            relieved = self._pull_data(parts)
        return (parts, relieved) if parts else None

    def _pull_data(self, parts: list[Bytes]) -> Stream | None:
        while self._ready:
            stream = self._ready.popleft()
            stream.ready = False
            if stream.ended or stream.fin_sent:
                continue
            most = QUANTUM if self._ready else ALONE
            pieces, size = _cut(stream, min(most, stream.credit))
            fin = stream.fin_queued and not stream.outbox
            if not size and not fin:
                continue  # No credit: a WINDOW makes it ready again.
            stream.credit -= size
            stream.queued -= size
            parts.append(HEADER.pack(VERSION, Type.DATA, FIN if fin else 0, stream.id, size))
            parts += pieces
            if fin:
                stream.fin_sent = True
                self._settle(stream)
            elif stream.outbox and stream.credit:
                self._make_ready(stream)
            return stream
        return None

    def _receive(self, frame: Frame, now: float) -> Event | None:
        kind = frame.type
        if kind is Type.DATA:
            return self._data(frame)
        if kind is Type.WINDOW:
            return self._window(frame)
        if kind is Type.OPEN:
            return self._opened(frame, now)
        if kind is Type.OPEN_OK or kind is Type.OPEN_ERR:
            return self._answered(frame)
        if kind is Type.RESET:
            stream = self._find(frame)
            if stream is None:
                return None
            stream.reset = frame.value
            self._drop(stream)
            return Changed(stream)
        if kind is Type.PING:
            if frame.flags & ACK:
                return Pinged(frame.value)
            self._control.append(Frame(Type.PING, value=frame.value, flags=ACK))
            return None
        if kind is Type.GOAWAY:
            self.draining = True
            return Going(frame.value)
        return Control(bytes(frame.payload))

    def _data(self, frame: Frame) -> Event | None:
        stream = self._find(frame)
        if stream is None:
            return None
        size = len(frame.payload)
        if stream.fin_received:
            raise ProtocolError(f"DATA on stream {frame.stream} after its FIN")
        if self._opens and not stream.answered:
            raise ProtocolError(f"DATA on stream {frame.stream} before its OPEN_OK")
        if size > stream.granted:
            raise ProtocolError(f"{size} bytes on stream {frame.stream}, granted were {stream.granted}")
        if size:
            stream.granted -= size
            stream.inbox.append(_owned(frame.payload))
            stream.unread += size
            self._unread += size
        if frame.flags & FIN:
            stream.fin_received = True
            self._settle(stream)
        return Changed(stream)

    def _window(self, frame: Frame) -> Event | None:
        stream = self._find(frame)
        if stream is None:
            return None
        stream.credit += frame.value
        if not frame.value or stream.credit > LARGEST_WINDOW * 2:
            raise ProtocolError(f"a credit of {frame.value} on stream {frame.stream}")
        if stream.outbox:
            self._make_ready(stream)
        return None

    def _opened(self, frame: Frame, now: float) -> Event:
        if self._opens:
            raise ProtocolError("OPEN from the side that may not open streams")
        if frame.stream % 2 == 0 or frame.stream <= self._last_opened:
            raise ProtocolError(f"OPEN with the stream number {frame.stream} after {self._last_opened}")
        if len(self.streams) >= self._limits.streams:
            raise ProtocolError(f"more than {self._limits.streams} streams")
        self._last_opened = frame.stream
        stream = Stream(frame.stream, bytes(frame.payload))
        stream.fin_received = bool(frame.flags & FIN)
        stream.granted_at = now
        self.streams[stream.id] = stream
        return Opened(stream)

    def _answered(self, frame: Frame) -> Event | None:
        if not self._opens:
            raise ProtocolError(f"{frame.type.name} from the side that opens streams")
        stream = self._find(frame)
        if stream is None:
            return None
        if stream.answered:
            raise ProtocolError(f"a second answer on stream {frame.stream}")
        stream.answered = True
        self._unanswered -= 1
        if frame.type is Type.OPEN_OK:
            stream.answer = bytes(frame.payload)
        else:
            stream.refused = bytes(frame.payload)
            self._drop(stream)
        return Changed(stream)

    def _find(self, frame: Frame) -> Stream | None:
        """The stream; None for one that has ended here while this frame was under way."""
        stream = self.streams.get(frame.stream)
        if stream is not None:
            return stream
        newest = self._next - 2 if self._opens else self._last_opened
        if frame.stream % 2 == 0 or frame.stream > newest:
            raise ProtocolError(f"{frame.type.name} on stream {frame.stream}, which was never opened")
        return None

    def _grant(self, stream: Stream, now: float) -> None:
        """Credit for what was taken; more when the reader takes a window in less than a few round trips."""
        more = stream.taken
        fast = now - stream.granted_at < max(4 * self.round_trip, GROW_WITHIN)
        if fast and stream.window < LARGEST_WINDOW and self._grown + stream.window <= self._limits.unread:
            self._grown += stream.window
            more += stream.window
            stream.window *= 2
        stream.taken = 0
        stream.granted += more
        stream.granted_at = now
        self._control.append(Frame(Type.WINDOW, stream.id, value=more))

    def _relieve(self) -> Stream:
        """Gives up the stream that holds the most unread bytes."""
        stream = max(self.streams.values(), key=lambda each: each.unread)
        self.reset_stream(stream, Reset.OVERLOADED)
        return stream

    def _make_ready(self, stream: Stream) -> None:
        if not stream.ready and (stream.credit or (stream.fin_queued and not stream.outbox)):
            stream.ready = True
            self._ready.append(stream)

    def _is_live(self, stream: Stream) -> bool:
        return self.streams.get(stream.id) is stream

    def _settle(self, stream: Stream) -> None:
        """A stream that both sides have finished is forgotten; its unread data stays with its reader."""
        if stream.fin_sent and stream.fin_received and (stream.answered or not self._opens):
            self._forget(stream)

    def _drop(self, stream: Stream) -> None:
        stream.outbox.clear()
        stream.queued = 0
        self._forget(stream)

    def _forget(self, stream: Stream) -> None:
        if self.streams.pop(stream.id, None) is None:
            return
        self._unread -= stream.unread
        self._grown -= stream.window - INITIAL_WINDOW
        if self._opens and not stream.answered:
            self._unanswered -= 1
        stream.answered = True


def _owned(payload: Bytes) -> bytes | memoryview:
    """Something that outlives the buffer that the carrier reads into."""
    if isinstance(payload, bytes) or (isinstance(payload, memoryview) and isinstance(payload.obj, bytes)):
        return payload
    return bytes(payload)


def _cut(stream: Stream, most: int) -> tuple[list[Bytes], int]:
    """Up to `most` bytes off the front of the outbox."""
    pieces: list[Bytes] = []
    size = 0
    while stream.outbox and size < most:
        piece = stream.outbox[0]
        if size + len(piece) > most:
            rest = most - size
            stream.outbox[0] = piece[rest:]
            piece = piece[:rest]
        else:
            stream.outbox.popleft()
        pieces.append(piece)
        size += len(piece)
    return pieces, size


__all__ = ["Changed", "Control", "Event", "GoAway", "Going", "Limits", "Mux", "Opened", "Pinged", "Stream"]
