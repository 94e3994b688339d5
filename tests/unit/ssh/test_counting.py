"""What is sent to machines is told, command by command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roost.ssh.connection import Command, Target
from roost.ssh.counting import CONNECT, Exchange, reporting
from roost.ssh.errors import ConnectionLost
from roost.ssh.fake import FakeMachine

pytestmark = pytest.mark.anyio
TARGET = Target("m1", "192.0.2.1")


async def chunks() -> AsyncIterator[bytes]:
    yield b"abc"
    yield b"de\n"


async def test_the_opening_and_each_command_are_told_with_their_bytes(tmp_path: Path) -> None:
    told: list[Exchange] = []
    connection = await reporting(FakeMachine(tmp_path).connect, told.append)(TARGET)
    await connection.run(Command("say", "echo hello"))
    await connection.run(Command("read", "cat"), payload=chunks())
    assert [(e.machine, e.title, e.bytes_sent, e.bytes_received) for e in told] == [
        ("m1", CONNECT, 0, 0),
        ("m1", "say", len("echo hello"), len("hello\n")),
        ("m1", "read", len("cat") + 6, len("abcde\n")),
    ]
    assert all(exchange.seconds >= 0 for exchange in told)


async def test_a_command_that_broke_off_is_told_too(tmp_path: Path) -> None:
    told: list[Exchange] = []
    machine = FakeMachine(tmp_path)
    connection = await reporting(machine.connect, told.append)(TARGET)
    await connection.close()
    with pytest.raises(ConnectionLost):
        await connection.run(Command("say", "echo hello"))
    assert [exchange.title for exchange in told] == [CONNECT, "say"]
