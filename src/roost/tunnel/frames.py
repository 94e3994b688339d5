"""The frames of `roost.tunnel.v1`: 12 bytes of header, then what belongs to it. Pure.

Both ends and the mux stand on this. A message of the carrier holds one or more whole frames; a frame never spans
messages. Whatever does not read as a frame ends the session: there is nothing to re-synchronise with.

    0        1       2       4           8           12
    | version | type | flags | stream    | length    | payload of that length …
                                         | or value  |   (WINDOW, PING, GOAWAY and RESET: a number, no payload)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

SUBPROTOCOL: Final = "roost.tunnel.v1"
VERSION: Final = 1
HEADER: Final = struct.Struct("!BBHII")
HEADER_SIZE: Final = HEADER.size
LARGEST_PAYLOAD: Final = 64 * 1024
"""Of one frame; also the limit of a head and of a control document."""
LARGEST_MESSAGE: Final = LARGEST_PAYLOAD * 2
"""A message is at most one large frame with small ones before it."""
INITIAL_WINDOW: Final = 256 * 1024
"""Bytes of a stream that may be under way before the receiver has granted any."""
LARGEST_WINDOW: Final = 4 * 1024 * 1024

FIN: Final = 1
"""On DATA and OPEN: the sender will send no more on this stream (half-close)."""
ACK: Final = 2
"""On PING: the answer."""


class Type(IntEnum):
    DATA = 0
    WINDOW = 1
    PING = 2
    GOAWAY = 3
    OPEN = 4
    OPEN_OK = 5
    OPEN_ERR = 6
    RESET = 7
    CONTROL = 8


class Reset(IntEnum):
    """Why a stream ended early."""

    CANCELLED = 1
    """Whoever asked went away."""
    UPSTREAM_BROKEN = 2
    """The connection to the API server broke in the middle of an answer."""
    STALLED = 3
    """Its reader took nothing for too long."""
    OVERLOADED = 4
    """Too much lay unread in this session; this stream held the most."""
    INTERNAL = 5


class GoAway(IntEnum):
    """Why a session ends."""

    NORMAL = 0
    DRAINING = 1
    PROTOCOL_ERROR = 2
    REVOKED = 3


_VALUES: Final = frozenset((Type.WINDOW, Type.PING, Type.GOAWAY, Type.RESET))
_FLAGS: Final = {Type.DATA: FIN, Type.OPEN: FIN, Type.PING: ACK}
_SESSION: Final = frozenset((Type.PING, Type.GOAWAY, Type.CONTROL))
"""Types that belong to the session and stand on stream 0; no other does."""


Bytes = bytes | bytearray | memoryview


class ProtocolError(Exception):
    """The peer does not speak the protocol; the session ends."""


@dataclass(frozen=True, slots=True)
class Frame:
    type: Type
    stream: int = 0
    payload: Bytes = b""
    """Of DATA that was read: a view of the message, good as long as that is."""
    value: int = 0
    flags: int = 0


def encode(frame: Frame) -> bytes:
    payload = frame.payload
    number = frame.value if frame.type in _VALUES else len(payload)
    return HEADER.pack(VERSION, frame.type, frame.flags, frame.stream, number) + payload


def decode(message: Bytes) -> list[Frame]:
    """All frames of one message. Raises ProtocolError for anything that is not exactly that."""
    frames: list[Frame] = []
    view = memoryview(message)
    position, end = 0, len(message)
    if not end:
        raise ProtocolError("an empty message")
    while position < end:
        if end - position < HEADER_SIZE:
            raise ProtocolError(f"{end - position} bytes where a header of {HEADER_SIZE} was expected")
        version, kind, flags, stream, number = HEADER.unpack_from(message, position)
        position += HEADER_SIZE
        if version != VERSION:
            raise ProtocolError(f"frame version {version}; this side speaks {VERSION}")
        if kind > Type.CONTROL:
            raise ProtocolError(f"unknown frame type {kind}")
        kind = Type(kind)
        if flags & ~_FLAGS.get(kind, 0):
            raise ProtocolError(f"flags {flags:#x} on {kind.name}")
        if (stream == 0) != (kind in _SESSION):
            raise ProtocolError(f"{kind.name} on stream {stream}")
        if kind in _VALUES:
            frames.append(Frame(kind, stream, b"", number, flags))
            continue
        if number > LARGEST_PAYLOAD:
            raise ProtocolError(f"{kind.name} of {number} bytes; at most {LARGEST_PAYLOAD}")
        if number > end - position:
            raise ProtocolError(f"{kind.name} says {number} bytes, the message has {end - position}")
        payload = view[position : position + number]
        frames.append(Frame(kind, stream, payload if kind is Type.DATA else bytes(payload), 0, flags))
        position += number
    return frames
