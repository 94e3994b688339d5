"""One kept connection per machine."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from roost.api.masked import Masked
from roost.ssh.connection import Command, Connection, Target
from roost.ssh.counting import Count, counting
from roost.ssh.errors import Unreachable
from roost.ssh.fake import FakeMachine
from roost.ssh.pool import CONNECTS, Pool

pytestmark = pytest.mark.anyio
TARGET = Target("m1", "192.0.2.1", password=Masked("first"))


async def test_calls_at_once_share_one_connection(tmp_path: Path) -> None:
    count = Count()
    pool = Pool(counting(FakeMachine(tmp_path).connect, count))
    connections = await asyncio.gather(*(pool(TARGET) for _ in range(5)))
    assert len(set(map(id, connections))) == 1
    assert count.connects == 1


async def test_a_broken_connection_is_replaced(tmp_path: Path) -> None:
    pool = Pool(FakeMachine(tmp_path).connect)
    first = await pool(TARGET)
    await first.close()
    second = await pool(TARGET)
    assert second is not first
    assert (await second.run(Command("say", "echo hello"))).stdout == "hello\n"


async def test_new_credentials_replace_the_old_connection(tmp_path: Path) -> None:
    pool = Pool(FakeMachine(tmp_path).connect)
    first = await pool(TARGET)
    second = await pool(replace(TARGET, password=Masked("second")))
    assert first.closed and not second.closed


async def test_a_failed_connect_is_not_kept(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    pool = Pool(machine.connect)
    machine.refuse = Unreachable("m1: no")
    with pytest.raises(Unreachable):
        await pool(TARGET)
    machine.refuse = None
    await pool(TARGET)


async def test_drop_and_close(tmp_path: Path) -> None:
    pool = Pool(FakeMachine(tmp_path).connect)
    first = await pool(TARGET)
    await pool.drop("m1")
    assert first.closed
    second = await pool(TARGET)
    await pool.close()
    assert second.closed


async def test_connects_at_once_are_limited() -> None:
    running, most = 0, 0
    gate = asyncio.Event()

    async def slow(target: Target) -> Connection:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1
        raise Unreachable(f"{target.name}: no")

    pool = Pool(slow)
    tasks = [asyncio.create_task(pool(Target(f"m{n}", "192.0.2.1"))) for n in range(CONNECTS + 20)]
    for _ in range(5):
        await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert most == CONNECTS
