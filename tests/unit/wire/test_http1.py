"""HTTP/1.1 answers of an API server, cut anywhere: read whole, or refused."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.wire.http1 import BrokenAnswer, Connection, header_line, request_head


class Line(asyncio.Transport):
    """What the connection does to its transport."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.aborted = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...

    def abort(self) -> None:
        self.aborted = True


async def answered(raw: Iterable[bytes], method: str = "GET") -> tuple[int, bytes, Connection]:
    connection = Connection()
    connection.connection_made(Line())
    connection.request(method, b"")
    connection.sent()
    for piece in raw:
        # As the transport does: a view of a buffer that is overwritten at once.
        buffer = bytearray(piece)
        connection.data_received(memoryview(buffer))
        buffer[:] = b"\xff" * len(buffer)
    head = await connection.head()
    body = b""
    while piece := await connection.read(limit=7):
        body += piece
    return head.status, body, connection


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5), st.lists(st.integers(0, 300), max_size=6))
def test_chunks_cut_anywhere_are_read_whole(chunks: list[bytes], cuts: list[int]) -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw += b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    marks = [0, *sorted(cut for cut in cuts if cut < len(raw)), len(raw)]
    status, body, connection = asyncio.run(answered(raw[a:b] for a, b in itertools.pairwise(marks)))
    assert status == 200 and body == b"".join(chunks) and connection.reusable


def test_what_has_a_length_ends_there() -> None:
    raw = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\n"
    assert asyncio.run(answered([raw, b"he", b"llo"]))[:2] == (201, b"hello")
    assert asyncio.run(answered([b"HTTP/1.1 100 Continue\r\n\r\n" + raw + b"hello"]))[:2] == (201, b"hello")
    assert asyncio.run(answered([raw], "HEAD"))[:2] == (201, b"")


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nmore",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nname : 2\r\n\r\n",
        b"SPDY/3 200 OK\r\n\r\n",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(raw: bytes) -> None:
    with pytest.raises(BrokenAnswer, match="can't be read"):
        asyncio.run(answered([raw]))


def test_a_connection_on_which_more_came_is_not_used_again() -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore"
    status, body, connection = asyncio.run(answered([raw]))
    assert (status, body) == (200, b"") and not connection.reusable


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_refused(raw: bytes) -> None:
    async def read() -> None:
        connection = Connection()
        connection.connection_made(Line())
        connection.request("GET", b"")
        connection.data_received(memoryview(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + raw))
        connection.connection_lost(None)
        try:
            await connection.head()
            while await connection.read():
                pass
        except BrokenAnswer:
            pass

    asyncio.run(read())


@pytest.mark.parametrize("value", [b"a\r\nB: c", b"a\nB", b"\0", b"a\x7f"])
def test_a_header_stays_one_header(value: bytes) -> None:
    with pytest.raises(ValueError):
        header_line(b"A", value)
    with pytest.raises(ValueError):
        request_head("GET", "/", ((b"A", value),))


@pytest.mark.parametrize("target", ["/a b", "/a\r\nB: c", "/ü"])
def test_a_target_stays_one_target(target: str) -> None:
    with pytest.raises(ValueError):
        request_head("GET", target, ())
