"""`status.warnings` of a Cluster, the releases on offer, and what a closed gate or a lost neighbour leaves alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from roost.api import conditions as c
from roost.api.names import GLOBAL_CLUSTER, SYSTEM_NAMESPACE
from roost.controllers.kinds import CLUSTER, FEATURE_GATE, PROJECT, RELEASE
from roost.controllers.runtime.api import Object, Ref
from tests.unit.controllers.scripted import cluster, machine, ref, secret
from tests.unit.controllers.world import World

pytestmark = pytest.mark.anyio
API = "cluster.alauda.io/v1alpha1"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def warnings(world: World) -> list[str]:
    status: Object = world.demo().get("status") or {}
    return list(status.get("warnings") or [])


def gate(*, enabled: bool) -> Object:
    return {
        "apiVersion": API,
        "kind": "FeatureGate",
        "metadata": {"name": "cri-docker"},
        "spec": {"enabled": enabled},
    }


def with_on_premises(**more: Any) -> Object:
    made = cluster()
    made["spec"]["onPremises"] |= more
    return made


async def test_what_kubectl_warned_of_stands_on_the_cluster_as_long_as_it_is_true(world: World) -> None:
    world.api.put(PROJECT, {"apiVersion": API, "kind": "Project", "metadata": {"name": "shop"}, "spec": {}})
    async with world.controllers():
        busy = machine("m2", 12)
        busy["spec"]["addresses"]["ipv6"] = "fd00:10::12"
        world.apply(secret(), cluster(project="shop"), machine("m1", 11, role="ControlPlane"), busy)
        await asyncio.sleep(8)
        told = "\n".join(warnings(world))
        assert "spec.onPremises.controlPlaneEndpoint.host: " in told, "a lone control plane's own address"
        assert "spec.onPremises.network.podCIDR: 10.16.0.0/16 with 256 addresses per node has room for" in told
        assert "spec.project: the cluster joins the Project shop once it is Available" in told
        assert "Machine m2: spec.addresses.ipv6: " in told
        await asyncio.sleep(60)
        assert world.said("Cluster", "demo", c.AVAILABLE) == ("True", c.SUCCEEDED)
        told = "\n".join(warnings(world))
        assert "spec.project" not in told, "it has joined"
        assert "spec.onPremises.controlPlaneEndpoint.host: " in told


async def test_another_address_than_the_platforms_is_warned_of(world: World) -> None:
    async with world.controllers():
        await asyncio.sleep(3)
        own = Ref(CLUSTER, SYSTEM_NAMESPACE, GLOBAL_CLUSTER)
        known = world.api.objects[own]
        world.api.put(CLUSTER, {**known, "status": {**known["status"], "addresses": ["192.0.2.1:7447"]}})
        url = {"cpaas.io/platform-url": "https://platform.example.com"}
        world.apply(secret(), cluster(annotations=url), machine("m1", 11, role="ControlPlane"))
        await asyncio.sleep(8)
        (told,) = [one for one in warnings(world) if "platform-url" in one]
        assert "none of the platform's addresses (https://192.0.2.1:7447)" in told
        assert "roost address add platform.example.com:443" in told


async def test_a_closed_gate_stops_no_running_cluster_and_says_so(world: World) -> None:
    async with world.controllers():
        await asyncio.sleep(3)
        world.apply(secret(), with_on_premises(runtime={"type": "Docker"}), machine("m1", 11, role="ControlPlane"))
        await asyncio.sleep(8)
        assert world.said("Cluster", "demo", c.VALIDATED) == ("False", "Invalid")
        world.api.put(FEATURE_GATE, gate(enabled=True))
        await asyncio.sleep(30)
        assert world.said("Cluster", "demo", c.AVAILABLE) == ("True", c.SUCCEEDED)
        world.api.put(FEATURE_GATE, gate(enabled=False))
        world.apply(machine("m2", 12))
        await asyncio.sleep(60)
        assert "m2" in world.provider.on, "it takes machines as before"
        assert world.said("Cluster", "demo", c.AVAILABLE) == ("True", c.SUCCEEDED)
        assert any("goes on with Docker as it is" in one for one in warnings(world))


async def test_a_linked_cluster_is_found_and_its_end_stops_nothing(world: World) -> None:
    full = with_on_premises(monitoring={"type": "VictoriaMetrics"})
    full["metadata"]["name"] = "full"
    link = {"type": "VictoriaMetrics", "deployment": "AgentOnly", "linkedCluster": {"name": "full"}}
    async with world.controllers():
        world.apply(secret(), full, with_on_premises(monitoring=link), machine("m1", 11, role="ControlPlane"))
        await asyncio.sleep(60)
        assert world.said("Cluster", "demo", c.AVAILABLE) == ("True", c.SUCCEEDED)
        await world.api.delete(ref("Cluster", "full"))
        world.apply(machine("m2", 12))
        await asyncio.sleep(60)
        assert "m2" in world.provider.on
        assert any("there is no Cluster full" in one for one in warnings(world))


async def test_the_newest_release_is_recommended(world: World) -> None:
    world.store.add("1.28.15")
    async with world.controllers():
        await asyncio.sleep(3)

        def recommended() -> dict[str, bool]:
            found = (item for item in world.api.objects.values() if item.get("kind") == RELEASE.kind)
            return {item["metadata"]["name"]: item["spec"]["recommended"] for item in found}

        assert recommended() == {"1.28.15": False, "1.31.4": True}
        world.store.add("1.31.10")
        await asyncio.sleep(10)
        assert recommended() == {"1.28.15": False, "1.31.4": False, "1.31.10": True}
