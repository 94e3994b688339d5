"""Refused sign-ins wait for themselves and hold up nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from roost.api.errors import PermanentFailure, RetryLater
from roost.api.masked import Masked
from roost.controllers.signins import SignIns
from roost.ssh.connection import Connection, Target
from roost.ssh.errors import AuthenticationFailed, Unreachable
from tests.unit.controllers.world import World

pytestmark = pytest.mark.anyio

WRONG = Target("m1", "192.0.2.1", password=Masked("first"))
RIGHT = replace(WRONG, password=Masked("second"))
OTHER = Target("m2", "192.0.2.2", password=Masked("second"))


class Door:
    def __init__(self) -> None:
        self.tries: list[str] = []
        self.down = False

    async def __call__(self, target: Target) -> Connection:
        self.tries.append(target.name)
        if self.down:
            raise Unreachable(f"{target.name}: no route")
        if target.password != Masked("second"):
            raise AuthenticationFailed(f"{target.name}: refused")
        return cast("Connection", object())


async def refused(sign_ins: SignIns, target: Target) -> str:
    with pytest.raises(PermanentFailure) as caught:
        await sign_ins(target)
    assert caught.value.reason == "AuthenticationFailed"
    return caught.value.message


async def test_a_refused_sign_in_is_not_tried_again_before_its_time() -> None:
    door = Door()
    sign_ins = SignIns(door)
    said = await refused(sign_ins, WRONG)
    await asyncio.sleep(59)
    assert await refused(sign_ins, WRONG) == said
    assert await sign_ins(OTHER)
    assert door.tries == ["m1", "m2"]
    await asyncio.sleep(1)
    await refused(sign_ins, WRONG)
    await asyncio.sleep(119)
    await refused(sign_ins, WRONG)
    assert door.tries == ["m1", "m2", "m1"]


async def test_corrected_credentials_and_a_wish_are_tried_at_once() -> None:
    door = Door()
    sign_ins = SignIns(door)
    await refused(sign_ins, WRONG)
    assert await sign_ins(RIGHT)
    sign_ins.forget({"m2"})
    await refused(sign_ins, WRONG)
    sign_ins.forget({"m1"})
    await refused(sign_ins, WRONG)
    assert door.tries == ["m1", "m1", "m1"]


async def test_other_failures_are_tried_whenever_asked() -> None:
    door = Door()
    door.down = True
    sign_ins = SignIns(door)
    for _ in range(2):
        with pytest.raises(RetryLater):
            await sign_ins(RIGHT)
    door.down = False
    assert await sign_ins(RIGHT)


async def test_one_machines_refusal_does_not_delay_the_others(world: World) -> None:
    """The run is tried again as soon as the other cause asks for it."""

    def fail(ctx: Any) -> RetryLater:
        ctx.report.machine("m1", "Reachable", "False", "AuthenticationFailed", "m1: refused")
        ctx.report.machine("m2", "Reachable", "False", "MachineUnreachable", "m2: no route")
        return RetryLater("MachineUnreachable", "m1: refused\nm2: no route")

    world.provider.fail = fail
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(20)
        assert len(world.provider.log) >= 4
        world.provider.fail = lambda _ctx: None
        await asyncio.sleep(60)
        assert world.demo()["status"]["phase"] == "Running"
