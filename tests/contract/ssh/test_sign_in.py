"""Signing in to a real sshd, directly and through SOCKS5: every way in, and every way to fail by its name."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from shutil import which

import pytest
from sshd_server import PASSPHRASE, Server, free_port, process, sshd

from roost.api.masked import Masked
from roost.ssh.asyncssh_connector import connect
from roost.ssh.connection import Command, Proxy, Target
from roost.ssh.errors import (
    AuthenticationFailed,
    ConnectionLost,
    PassphraseWrong,
    ProxyAuthenticationFailed,
    Unreachable,
)
from roost.ssh.pool import Pool

pytestmark = pytest.mark.anyio


@pytest.fixture
def target(server: Server) -> Target:
    return Target("m1", "127.0.0.1", server.port, private_key=Masked(server.text("client")))


async def says_hello(target: Target) -> str:
    connection = await connect(target)
    try:
        return (await connection.run(Command("t", "echo hello"))).stdout.strip()
    finally:
        await connection.close()


async def test_key_and_key_with_passphrase(server: Server, target: Target) -> None:
    assert await says_hello(target) == "hello"
    locked = replace(target, private_key=Masked(server.text("locked")), passphrase=Masked(PASSPHRASE))
    assert await says_hello(locked) == "hello"
    with pytest.raises(PassphraseWrong, match=r"m1"):
        await connect(replace(locked, passphrase=Masked("wrong")))


@pytest.mark.parametrize("name", ["host_ed25519.pub", "host_rsa.pub"])
async def test_trusted_by_key_or_fingerprint_of_any_type(server: Server, target: Target, name: str) -> None:
    for known in (server.text(name), server.fingerprint(name)):
        connection = await connect(replace(target, host_keys=(known,)))
        assert connection.host_key in server.text(name)
        await connection.close()


async def test_a_wrong_password_and_a_wrong_key_are_named(server: Server, target: Target, tmp_path: Path) -> None:
    with pytest.raises(AuthenticationFailed, match=r"the password of user root") as caught:
        await connect(replace(target, private_key=None, password=Masked("hunter-2")))
    assert "hunter-2" not in str(caught.value)
    assert server.text("log").count("Failed password") == 1, "a wrong password is tried once"
    with pytest.raises(AuthenticationFailed, match=r"the private key of user nobody"):
        await connect(replace(target, user="nobody"))


async def test_closed_port_unknown_name_and_silence(target: Target) -> None:
    with pytest.raises(Unreachable, match=r"m1 \(127.0.0.1:\d+\).*ECONNREFUSED.*spec.ssh.port"):
        await connect(replace(target, port=free_port()))
    with pytest.raises(Unreachable, match=r"can't be resolved"):
        await connect(replace(target, address="no-such-host.invalid"))


async def test_something_else_than_ssh_listens_there(target: Target) -> None:
    async def web(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(web, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable, match=r"handshake failed|no SSH"):
            await connect(replace(target, port=port))


async def test_a_connection_that_breaks_is_told_and_replaced(tmp_path: Path, target: Target, server: Server) -> None:
    relay = Relay(server.port)
    async with relay.running() as port:
        pool = Pool(connect)
        connection = await pool(replace(target, port=port))
        running = asyncio.create_task(connection.run(Command("long work", "sleep 30")))
        await asyncio.sleep(0.3)
        relay.cut()
        with pytest.raises(ConnectionLost, match=r"m1.*long work"):
            await running
        assert connection.closed
        again = await pool(replace(target, port=port))
        assert (await again.run(Command("t", "echo hello"))).stdout == "hello\n"
        await pool.close()


async def test_a_lower_limit_of_sessions_is_waited_for(tmp_path: Path) -> None:
    with sshd(tmp_path, max_sessions=2) as few:
        connection = await connect(Target("m1", "127.0.0.1", few.port, private_key=Masked(few.text("client"))))
        results = await asyncio.gather(*(connection.run(Command("t", "sleep 0.1; echo x")) for _ in range(8)))
        assert [result.stdout for result in results] == ["x\n"] * 8
        await connection.close()


class Relay:
    """Passes bytes to a port until it is cut."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]
            self.cut()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, far_writer]
        await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))

    @staticmethod
    async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


@pytest.fixture(scope="module")
def socks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    program = which("microsocks")
    if program is None:
        pytest.skip("needs Debian's microsocks")
    port = free_port()
    log = tmp_path_factory.mktemp("socks") / "log"
    with process([program, "-i", "127.0.0.1", "-p", str(port), "-u", "alice", "-P", "right"], port, log):
        yield port


async def test_through_socks5_with_user_and_password(target: Target, socks: int) -> None:
    proxy = Proxy("127.0.0.1", socks, "alice", Masked("right"))
    # The name is one that only the proxy resolves: roost passes it on as it is.
    assert await says_hello(replace(target, address="localhost", proxy=proxy)) == "hello"


async def test_a_wrong_proxy_password_is_named_as_such(target: Target, socks: int) -> None:
    for proxy in (Proxy("127.0.0.1", socks, "alice", Masked("hunter-2")), Proxy("127.0.0.1", socks)):
        with pytest.raises(ProxyAuthenticationFailed, match=r"m1: the SOCKS5 proxy 127.0.0.1:\d+ refused") as caught:
            await connect(replace(target, proxy=proxy))
        assert "hunter-2" not in str(caught.value)


async def test_a_proxy_that_is_down_or_can_not_reach_the_machine(target: Target, socks: int) -> None:
    with pytest.raises(Unreachable, match=r"can't be reached.*spec.ssh.proxy"):
        await connect(replace(target, proxy=Proxy("127.0.0.1", free_port())))
    proxy = Proxy("127.0.0.1", socks, "alice", Masked("right"))
    with pytest.raises(Unreachable, match=r"proxy .* can't reach 127.0.0.1:\d+"):
        await connect(replace(target, port=free_port(), proxy=proxy))


async def test_a_port_that_never_answers(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roost.ssh.asyncssh_connector.LOGIN_TIMEOUT", 0.5)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(Unreachable, match=r"no SSH session came about.*no SSH banner"):
            await connect(replace(target, port=mute.getsockname()[1]))
