"""Calls of the helper: its lines are read as they come, and a held one ends when its caller says so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from engine_made import CLUSTER, TARGET, Blobs, sha

from roost.api.errors import RetryLater
from roost.node.calling import Helper, Line
from roost.node.probing import leave
from roost.ssh.fake import FakeMachine

pytestmark = pytest.mark.anyio

PROBE = b"""#!/bin/sh
case $1 in
listen)
  echo '{"listen":"[::]:6443","ok":true,"banner":"'"$3"'"}'

  n=0; while [ "$n" -lt 200 ]; do n=$((n + 1)); sleep 0.05; done
  ;;
*) echo 'words for people'; echo '{"target":"'"$2"'","ok":false}'; exit 1 ;;
esac
"""
DIGEST = f"sha256:{sha(PROBE)}"


async def helper(machine: FakeMachine, blobs: Blobs | None = None) -> Helper:
    return Helper(await machine.connect(TARGET), CLUSTER, blobs or Blobs(PROBE), DIGEST)


async def test_lines_of_json_are_answers_whatever_the_exit_status(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    one = await helper(machine)
    assert await one.call("dial", "host:1 2'", seconds=1) == [{"target": "host:1 2'", "ok": False}]
    assert [path.name for path in (machine.root / "run/roost").iterdir()] == ["bin"]
    await leave(one.connection, CLUSTER)
    assert not (machine.root / "run/roost").exists()


async def test_it_is_sent_once_and_before_the_calls(tmp_path: Path) -> None:
    blobs = Blobs(PROBE)
    one = await helper(FakeMachine(tmp_path), blobs)
    await one.stage()
    await asyncio.gather(*(one.call("dial", "a:1", seconds=1) for _ in range(3)))
    assert blobs.opened == [DIGEST]


async def test_a_held_call_lasts_until_it_is_told_to_end(tmp_path: Path) -> None:
    one = await helper(FakeMachine(tmp_path))
    told: list[Line] = []
    until, begun = asyncio.Event(), asyncio.Event()

    def take(line: Line) -> None:
        told.append(line)
        begun.set()

    held = asyncio.create_task(one.hold("listen", "6443", "me", seconds=10, told=take, until=until))
    async with asyncio.timeout(10):
        await begun.wait()
        assert told == [{"listen": "[::]:6443", "ok": True, "banner": "me"}] and not held.done()
        until.set()
        await held


async def test_one_that_can_not_be_sent_is_an_error(tmp_path: Path) -> None:
    blobs = Blobs(b"damaged")
    blobs.blobs = {DIGEST: b"damaged"}
    one = await helper(FakeMachine(tmp_path), blobs)
    with pytest.raises(RetryLater, match="have the sum"):
        await one.call("dial", "a:1", seconds=1)
