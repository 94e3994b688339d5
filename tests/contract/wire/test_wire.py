"""TLS transports on loopback, against asyncio's own and against each other."""

from __future__ import annotations

import asyncio
import os
import random
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roost.wire import connecting
from roost.wire.transport import Wire
from tests.fixtures.apiserver import make_leaf

pytestmark = pytest.mark.anyio


class Taker(asyncio.Protocol):
    """Keeps what comes."""

    def __init__(self) -> None:
        self.got = bytearray()
        self.transport: Any = None
        self.paused = self.ended = False
        self.pauses = 0
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.made = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.made.set()

    def data_received(self, data: bytes) -> None:
        self.got += data

    def eof_received(self) -> bool:
        self.ended = True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)

    def pause_writing(self) -> None:
        self.paused = True
        self.pauses += 1

    def resume_writing(self) -> None:
        self.paused = False

    async def has(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.got) < count:
                await asyncio.sleep(0.005)


Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture
def contexts(tmp_path: Path) -> Contexts:
    leaf = make_leaf(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(leaf.certificate, leaf.key)
    return server, ssl.create_default_context(cafile=str(leaf.ca))


async def ends(contexts: Contexts, *, far: str = "wire") -> tuple[Taker, Taker, Callable[[], None]]:
    """(dialled by us, the other side: ours or asyncio's own, what closes the listener)."""
    taken: asyncio.Future[Taker] = asyncio.get_running_loop().create_future()

    def make() -> Taker:
        taken.set_result(Taker())
        return taken.result()

    if far == "wire":
        listener = connecting.Listener("127.0.0.1", 0, contexts[0], make, backlog=5, seconds=5)
        port, close = listener.port, listener.close
    else:
        server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, ssl=contexts[0])
        port, close = server.sockets[0].getsockname()[1], server.close
    plain = await connecting.reach("127.0.0.1", port)
    wire, here = await connecting.secure(plain, contexts[1], "127.0.0.1", Taker)
    assert isinstance(wire, Wire)
    there = await taken
    await there.made.wait()
    return here, there, close


@pytest.mark.parametrize("far", ["wire", "asyncio"])
async def test_bytes_arrive_whole_in_both_directions_at_once(contexts: Contexts, far: str) -> None:
    here, there, close = await ends(contexts, far=far)
    draw = random.Random(5)
    sent: dict[Taker, bytes] = {}
    for side in (here, there):
        pieces = [os.urandom(draw.choice((0, 1, 5, 16384, 16385, 70_000, 300_000))) for _ in range(60)]
        sent[side] = b"".join(pieces)
        while pieces:
            some, pieces = pieces[:3], pieces[3:]
            buffer = [bytearray(piece) for piece in some]
            side.transport.writelines([memoryview(each) for each in buffer])
            for each in buffer:
                # Whoever wrote may use its buffer again.
                each[:] = bytes(len(each))
            await asyncio.sleep(0)
    await here.has(len(sent[there]))
    await there.has(len(sent[here]))
    assert here.got == sent[there] and there.got == sent[here]
    close()
    here.transport.abort()
    there.transport.abort()


@pytest.mark.parametrize("far", ["wire", "asyncio"])
async def test_what_was_written_before_the_end_arrives_at_a_slow_reader(contexts: Contexts, far: str) -> None:
    here, there, close = await ends(contexts, far=far)
    there.transport.pause_reading()
    text = os.urandom(6_000_000)
    here.transport.write(text)
    assert here.paused and here.transport.get_write_buffer_size() > 0
    here.transport.close()
    # Bytes that nobody reads must not cut off what is under way.
    there.transport.write(b"x" * 100)
    await asyncio.sleep(0.1)
    there.transport.resume_reading()
    async with asyncio.timeout(20):
        await there.lost
    assert bytes(there.got) == text and there.ended
    async with asyncio.timeout(20):
        assert await here.lost is None
    close()


async def test_a_writer_is_told_to_wait_and_to_go_on(contexts: Contexts) -> None:
    here, there, close = await ends(contexts)
    there.transport.pause_reading()
    count = 0
    while not here.paused:
        here.transport.write(b"x" * 50_000)
        count += 50_000
    there.transport.resume_reading()
    await there.has(count)
    async with asyncio.timeout(5):
        while here.paused:
            await asyncio.sleep(0.005)
    assert here.pauses == 1 and here.transport.get_write_buffer_size() == 0
    close()
    here.transport.abort()
    async with asyncio.timeout(5):
        await there.lost


async def test_a_protocol_that_fails_ends_its_connection_and_nothing_else(contexts: Contexts) -> None:
    here, there, close = await ends(contexts)
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    def fails(_: object) -> None:
        raise RuntimeError("no")

    there.data_received = fails  # type: ignore[method-assign,assignment]
    here.transport.write(b"x")
    async with asyncio.timeout(5):
        assert isinstance(await there.lost, RuntimeError)
        await here.lost
    asyncio.get_running_loop().set_exception_handler(None)
    assert len(told) == 1
    close()


async def test_who_speaks_no_tls_is_let_go(contexts: Contexts) -> None:
    listener = connecting.Listener("127.0.0.1", 0, contexts[0], Taker, backlog=5, seconds=0.2)
    for said in (b"GET / HTTP/1.1\r\n\r\n", b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(said)
        async with asyncio.timeout(5):
            try:
                await reader.read()
            except ConnectionError:
                pass
        writer.close()
    assert not listener._shaking
    listener.close()


async def test_a_certificate_that_is_not_trusted_is_named(contexts: Contexts) -> None:
    listener = connecting.Listener("127.0.0.1", 0, contexts[0], Taker, backlog=5, seconds=5)
    plain = await connecting.reach("127.0.0.1", listener.port)
    with pytest.raises(ssl.SSLCertVerificationError):
        await connecting.secure(plain, ssl.create_default_context(), "127.0.0.1", Taker)
    assert plain.fileno() < 0
    listener.close()
