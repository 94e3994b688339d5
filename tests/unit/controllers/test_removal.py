"""Deletions in any order, forced or in the middle of something, end with clean machines and no stuck object."""

from __future__ import annotations

import asyncio

import pytest

from roost.api import conditions as c
from roost.api.names import (
    FORCE_REMOVAL_ANNOTATION,
)
from tests.unit.controllers.scripted import (
    CLUSTER,
    MACHINE,
    ref,
    secret,
)
from tests.unit.controllers.world import World

pytestmark = pytest.mark.anyio


DELETIONS = [
    ["Cluster/demo"],
    ["Cluster/demo", "Machine/m1", "Machine/m2", "Machine/m3", "Secret/login"],
    ["Secret/login", "Machine/m3", "Machine/m2", "Machine/m1", "Cluster/demo"],
    ["Secret/demo-kubeconfig", "Secret/login", "Machine/m2", "Cluster/demo", "Machine/m1", "Machine/m3"],
]


@pytest.mark.parametrize("order", DELETIONS, ids=lambda order: ",".join(order)[:24])
@pytest.mark.parametrize("when", [8, 100], ids=["creating", "running"])
@pytest.mark.parametrize("gap", [0.0, 0.2])
async def test_deletion_in_any_order_ends_with_clean_machines(
    world: World, order: list[str], when: float, gap: float
) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(when)
        assert world.provider.on
        for item in order:
            world.api.remove(ref(*item.split("/")))
            await asyncio.sleep(gap)
        await asyncio.sleep(60)
        assert world.provider.on == {}
        expected = [] if "Secret/login" in order else [ref("Secret", "login")]
        assert world.left() == expected
        if expected:
            assert not world.api.objects[expected[0]]["metadata"].get("finalizers")
        assert not [entry for entry in world.provider.log if entry.startswith("remove")]
        calls = len(world.api.calls)
        await asyncio.sleep(300)
        assert len(world.api.calls) == calls
    assert sorted(world.dropped) == ["m1", "m2", "m3"]


async def test_a_namespace_that_goes_takes_everything_with_it(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(8)
        world.api.terminating.add("ns")
        for name in world.left():
            world.api.remove(name)
        await asyncio.sleep(60)
        assert world.provider.on == {}
        assert world.left() == []


async def test_deleting_in_the_middle_of_a_restart_ends_clean(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(100)
        world.api.remove(ref("Cluster", "demo"))
        await asyncio.sleep(3)
    assert world.provider.on
    async with world.controllers():
        await asyncio.sleep(60)
    assert world.provider.on == {}
    assert world.left() == [ref("Secret", "login")]


async def test_one_worker_is_drained_out_and_the_others_are_left_alone(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(100)
        del world.provider.commands[:]
        world.api.remove(ref("Machine", "m3"))
        await asyncio.sleep(60)
        assert sorted(world.provider.on) == ["m1", "m2"]
        assert ref("Machine", "m3") not in world.api.objects
        assert world.provider.commands == ["m3"]
        assert world.demo()["status"]["nodes"]["total"] == 2
        assert world.said("Cluster", "demo", c.AVAILABLE)[0] == "True"


async def test_the_control_plane_stays_as_long_as_its_cluster(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(100)
        world.api.remove(ref("Machine", "m1"))
        await asyncio.sleep(100)
        assert "m1" in world.provider.on
        item = world.api.condition(ref("Machine", "m1"), c.DELETING)
        assert item is not None
        assert item["status"] == "False"
        assert "control plane" in item["message"]
        world.api.remove(ref("Cluster", "demo"))
        await asyncio.sleep(60)
        assert world.left() == [ref("Secret", "login")]


async def test_an_unreachable_machine_is_named_and_let_go_by_force_alone(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(100)
        world.provider.unreachable = {"m3"}
        world.api.remove(ref("Cluster", "demo"))
        await asyncio.sleep(100)
        assert sorted(world.provider.on) == ["m3"]
        assert ref("Machine", "m2") not in world.api.objects
        item = world.api.condition(ref("Cluster", "demo"), c.DELETING)
        assert item is not None
        assert "m3" in item["message"]
        assert world.demo()["status"]["phase"] == "Deleting"
        patch = {"metadata": {"name": "m3", "namespace": "ns", "annotations": {FORCE_REMOVAL_ANNOTATION: "true"}}}
        world.api.put(MACHINE, patch)
        await asyncio.sleep(20)
        assert world.left() == [ref("Secret", "login")]


async def test_the_provider_is_told_which_machine_goes_by_force(world: World) -> None:
    """So that it waits for nothing there, and takes it out of the cluster all the same."""
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(100)
        patch = {"metadata": {"name": "m3", "namespace": "ns", "annotations": {FORCE_REMOVAL_ANNOTATION: "true"}}}
        world.api.put(MACHINE, patch)
        world.api.remove(ref("Machine", "m3"))
        await asyncio.sleep(100)
        assert "remove m3!" in world.provider.log
        world.api.remove(ref("Machine", "m2"))
        await asyncio.sleep(100)
        assert "remove m2" in world.provider.log


async def test_restored_machines_go_while_another_hangs_and_force_ends_the_wait(world: World) -> None:
    world.provider.hanging = {"m3"}
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(100)
        world.api.remove(ref("Cluster", "demo"))
        await asyncio.sleep(60)
        assert sorted(world.provider.on) == ["m3"]
        assert [name.name for name in world.left() if name.resource == MACHINE] == ["m3"]
        world.provider.hanging = set()
        world.provider.unreachable = {"m3"}
        patch = {"metadata": {"name": "demo", "namespace": "ns", "annotations": {FORCE_REMOVAL_ANNOTATION: "true"}}}
        world.api.put(CLUSTER, patch)
        await asyncio.sleep(20)
        assert world.left() == [ref("Secret", "login")]
        assert "m3" in world.dropped


async def test_a_machine_that_was_never_signed_in_to_holds_nothing_up(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        world.apply(secret("wrong"))
        await asyncio.sleep(30)
        world.api.remove(ref("Cluster", "demo"))
        await asyncio.sleep(30)
        assert world.left() == [ref("Secret", "login")]


async def test_a_machine_whose_cluster_vanished_is_still_undone(world: World) -> None:
    async with world.controllers():
        world.apply_demo()
        await asyncio.sleep(100)
        gone = world.demo()
        gone["metadata"]["finalizers"] = []
        world.api.remove(ref("Cluster", "demo"))
        for name in ("m1", "m2", "m3"):
            world.api.remove(ref("Machine", name))
        await asyncio.sleep(60)
        assert world.provider.on == {}
        assert not [name for name in world.left() if name.resource == MACHINE]
