"""The carrier against websockets' own implementation at the other end, and against anything at all."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets import utils
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from roost.tunnel import carrier, masking
from roost.tunnel.carrier import Carrier, Refused
from roost.tunnel.frames import LARGEST_MESSAGE, SUBPROTOCOL, ProtocolError

MESSAGES = st.lists(
    st.one_of(st.binary(max_size=300), st.sampled_from([b"x" * 125, b"y" * 126, b"z" * 65535, b"w" * 65536])),
    max_size=6,
)
CUTS = st.lists(st.integers(0, 200_000), max_size=12)


def said(one: Carrier) -> bytes:
    return b"".join(one.outgoing())


def agent() -> tuple[Carrier, ServerProtocol]:
    """Our client and their server, after the handshake."""
    ours, theirs = carrier.dialled("wss://hub/tunnel/v1/connect"), ServerProtocol(subprotocols=[SUBPROTOCOL])
    theirs.receive_data(said(ours))
    request = next(event for event in theirs.events_received() if isinstance(event, Request))
    theirs.send_response(theirs.accept(request))
    for data in theirs.data_to_send():
        assert ours.receive(data) == []
    assert ours.is_open
    return ours, theirs


def platform() -> tuple[Carrier, ClientProtocol]:
    """Our server and their client, after the handshake."""
    theirs = ClientProtocol(parse_uri("wss://hub/tunnel/v1/connect"), subprotocols=[SUBPROTOCOL])
    request = theirs.connect()
    ours = carrier.accepted(tuple((name.encode(), value.encode()) for name, value in request.headers.raw_items()))
    theirs.send_request(request)
    theirs.data_to_send()
    theirs.receive_data(said(ours))
    theirs.events_received()
    return ours, theirs


def fed(ours: Carrier, raw: bytes, cuts: list[int]) -> list[bytes]:
    found: list[bytes] = []
    marks = [0, *sorted(cut for cut in cuts if cut < len(raw)), len(raw)]
    for begin, end in itertools.pairwise(marks):
        buffer = bytearray(raw[begin:end])
        found += [bytes(message) for message in ours.receive(memoryview(buffer))]
        buffer[:] = b"\xff" * len(buffer)
    return found


@pytest.mark.parametrize("side", [agent, platform])
@given(messages=MESSAGES, cuts=CUTS)
@settings(deadline=None, max_examples=40)
def test_messages_pass_in_both_directions(side: object, messages: list[bytes], cuts: list[int]) -> None:
    ours, theirs = side()  # type: ignore[operator]
    for message in messages:
        theirs.send_binary(message)
    assert fed(ours, b"".join(theirs.data_to_send()), cuts) == messages
    for message in messages:
        ours.send(message[:12], message[12:], b"")
    theirs.receive_data(said(ours))
    found = [event for event in theirs.events_received() if isinstance(event, Frame)]
    assert [bytes(frame.data) for frame in found] == messages
    assert all(frame.opcode is Opcode.BINARY and frame.fin for frame in found)


def test_parts_of_a_message_are_joined_and_pings_between_them_answered() -> None:
    ours, theirs = agent()
    theirs.send_binary(b"one ", fin=False)
    theirs.send_ping(b"?")
    theirs.send_continuation(b"two", fin=True)
    assert ours.receive(b"".join(theirs.data_to_send())) == [b"one two"]
    theirs.receive_data(said(ours))
    assert [event.opcode for event in theirs.events_received() if isinstance(event, Frame)] == [Opcode.PONG]


def test_the_end_is_said_and_answered() -> None:
    ours, theirs = agent()
    theirs.send_close(1000, "enough")
    ours.receive(b"".join(theirs.data_to_send()))
    assert ours.was_closed and ours.farewell == "enough" and not ours.is_open
    theirs.receive_data(said(ours))
    theirs.events_received()
    assert theirs.close_rcvd is not None and theirs.close_rcvd.code == 1000
    ours, theirs = platform()
    ours.close(1001, "ü" * 100)
    theirs.receive_data(said(ours))
    theirs.events_received()
    assert theirs.close_rcvd is not None and theirs.close_rcvd.code == 1001
    ours.send(b"late")
    assert said(ours) == b""


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"\x82\x01x", "masked"),
        (b"\x81\x80abcd", "text"),
        (b"\xc2\x80abcd", "reserved"),
        (b"\x80\x80abcd", "out of place"),
        (b"\x83\x80abcd", "out of place"),
        (b"\x8b\x80abcd", "unknown"),
        (b"\x09\x80abcd", "in parts"),
        (b"\x82\xff" + (LARGEST_MESSAGE + 1).to_bytes(8, "big"), "at most"),
        (b"\x02\x80abcd\x82\x80abcd", "out of place"),
    ],
)
def test_each_wrong_frame_has_its_cause(raw: bytes, says: str) -> None:
    ours, _ = platform()
    with pytest.raises(ProtocolError, match=says):
        ours.receive(raw)


@given(st.binary(max_size=300), CUTS, st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_messages_or_a_protocol_error(raw: bytes, cuts: list[int], client: bool) -> None:
    ours = agent()[0] if client else platform()[0]
    try:
        fed(ours, raw, cuts)
    except ProtocolError:
        return


@given(st.binary(max_size=300), CUTS)
def test_any_answer_to_the_request_is_refused_or_waited_for(raw: bytes, cuts: list[int]) -> None:
    ours = carrier.dialled("wss://hub/tunnel/v1/connect")
    try:
        fed(ours, raw, cuts)
    except (ProtocolError, Refused):
        return
    assert not ours.is_open


def test_a_refusal_is_told_with_its_words() -> None:
    ours = carrier.dialled("wss://hub/tunnel/v1/connect")
    with pytest.raises(Refused, match="HTTP 403 Forbidden: no") as refused:
        fed(ours, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", [10, 40, 46])
    assert refused.value.status == 403


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_masking_without_the_module_in_c_is_the_same(data: bytes, key: bytes) -> None:
    assert masking.masked(memoryview(data), key) == masking.masked(data, key) == utils.apply_mask(data, key)
    assert masking.masked(masking.masked(data, key), key) == data
