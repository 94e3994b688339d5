"""Frames: what is written is read back, and nothing that is no frame passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.tunnel.frames import ACK, FIN, HEADER, LARGEST_PAYLOAD, Frame, ProtocolError, Type, decode, encode

PAYLOADS = st.binary(max_size=300)
STREAMS = st.integers(1, 2**32 - 1)
NUMBERS = st.integers(0, 2**32 - 1)
FRAMES = st.one_of(
    st.builds(Frame, st.just(Type.DATA), STREAMS, PAYLOADS, st.just(0), st.sampled_from([0, FIN])),
    st.builds(Frame, st.just(Type.OPEN), STREAMS, PAYLOADS, st.just(0), st.sampled_from([0, FIN])),
    st.builds(Frame, st.sampled_from([Type.OPEN_OK, Type.OPEN_ERR]), STREAMS, PAYLOADS),
    st.builds(Frame, st.sampled_from([Type.WINDOW, Type.RESET]), STREAMS, st.just(b""), NUMBERS),
    st.builds(Frame, st.just(Type.PING), st.just(0), st.just(b""), NUMBERS, st.sampled_from([0, ACK])),
    st.builds(Frame, st.just(Type.GOAWAY), st.just(0), st.just(b""), NUMBERS),
    st.builds(Frame, st.just(Type.CONTROL), st.just(0), PAYLOADS),
)


@given(st.lists(FRAMES, min_size=1, max_size=6))
def test_what_is_written_is_read_back(frames: list[Frame]) -> None:
    assert decode(b"".join(map(encode, frames))) == frames


@given(st.lists(FRAMES, min_size=1, max_size=3), st.data())
def test_no_frame_is_read_from_a_part_of_one(frames: list[Frame], data: st.DataObject) -> None:
    raw = b"".join(map(encode, frames))
    cut = data.draw(st.integers(0, len(raw) - 1))
    try:
        found = decode(raw[:cut])
    except ProtocolError:
        return
    assert found == frames[: len(found)] and cut > 0


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_a_protocol_error(raw: bytes) -> None:
    try:
        frames = decode(raw)
    except ProtocolError:
        return
    assert b"".join(map(encode, frames)) == raw


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "empty"),
        (b"\x01\x00", "where a header"),
        (HEADER.pack(2, Type.DATA, 0, 1, 0), "version 2"),
        (HEADER.pack(1, 9, 0, 1, 0), "unknown frame type 9"),
        (HEADER.pack(1, Type.DATA, ACK, 1, 0), "flags"),
        (HEADER.pack(1, Type.DATA, 0, 0, 0), "stream 0"),
        (HEADER.pack(1, Type.PING, 0, 3, 0), "stream 3"),
        (HEADER.pack(1, Type.DATA, 0, 1, LARGEST_PAYLOAD + 1), "at most"),
        (HEADER.pack(1, Type.DATA, 0, 1, 5) + b"four", "has 4"),
    ],
)
def test_each_wrong_frame_has_its_cause(raw: bytes, says: str) -> None:
    with pytest.raises(ProtocolError, match=says):
        decode(raw)
