"""How many control planes a Cluster has, and by which endpoint they are reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from roost.api.validation.findings import Verdict
from roost.api.validation.judge import validate
from roost.api.validation.world import MemoryWorld
from tests.unit.api.conftest import Json, edited

HOST = "spec.onPremises.controlPlaneEndpoint.host"
VIP = "spec.onPremises.controlPlaneEndpoint.selfBuiltVIP.address"
Make = Callable[..., Json]
RUNNING: Json = {"conditions": [{"type": "ControlPlaneInitialized", "status": "True"}]}


@pytest.fixture
def planes(machine: Make) -> list[Json]:
    return [machine(f"node{n}", f"192.168.10.1{n}", "ControlPlane") for n in range(1, 7)]


def with_endpoint(cluster: Json, **endpoint: Any) -> Json:
    return edited(cluster, spec__onPremises__controlPlaneEndpoint=endpoint)


def judge(document: Json, *others: Json, complete: bool = True) -> Verdict:
    world = MemoryWorld.of([document, *others], releases=["1.31.4"], complete=complete)
    return validate(document["kind"], document, None, world)


def found(verdict: Verdict) -> dict[str, str]:
    return {error.path: error.message for error in verdict.errors}


@pytest.mark.parametrize(("count", "right"), [(1, True), (2, False), (3, True), (4, False), (5, True), (6, False)])
@pytest.mark.parameter("Machine:spec.role")
def test_a_cluster_is_made_with_an_odd_number(cluster: Json, planes: list[Json], count: int, right: bool) -> None:
    wanted = with_endpoint(cluster, host="192.168.10.100")
    verdict = judge(wanted, *planes[:count])
    assert (verdict.errors == []) is right
    if not right:
        assert "one, three or five" in found(verdict)["spec.onPremises"]


def test_an_even_number_is_only_warned_of_while_a_cluster_grows_or_shrinks(cluster: Json, planes: list[Json]) -> None:
    wanted = with_endpoint(cluster, host="192.168.10.100")
    early = judge(wanted, *planes[:2], complete=False)
    running = judge({**wanted, "status": RUNNING}, *planes[:4])
    for verdict in (early, running):
        assert verdict.errors == []
        assert any("while it grows or shrinks" in warning for warning in verdict.warnings)


@pytest.mark.parameter("spec.onPremises.controlPlaneEndpoint.host")
def test_the_address_of_one_machine_is_no_endpoint_of_several(cluster: Json, planes: list[Json]) -> None:
    message = found(judge(cluster, *planes[:3]))[HOST]
    assert "node1" in message and "selfBuiltVIP" in message and "load balancer" in message
    alone = judge(cluster, planes[0])
    assert alone.errors == []
    assert any("can't have more control planes" in warning for warning in alone.warnings)


def test_a_control_plane_is_not_added_behind_the_address_of_another(cluster: Json, planes: list[Json]) -> None:
    message = found(judge(planes[1], cluster, planes[0], complete=False))["spec.role"]
    assert "192.168.10.11" in message and "self-built VIP" in message
    named = with_endpoint(cluster, host="api.example.com")
    assert judge(planes[1], named, planes[0], complete=False).errors == []
    grown = judge(planes[5], named, *planes[:5], complete=False)
    assert "one, three or five" in found(grown)["spec.role"]


def test_a_virtual_address_is_no_machines(cluster: Json, planes: list[Json]) -> None:
    vip = {"virtualRouterID": 51}
    right = with_endpoint(cluster, host="192.168.10.100", selfBuiltVIP=vip)
    assert judge(right, *planes[:3]).errors == []
    taken = with_endpoint(cluster, host="192.168.10.12", selfBuiltVIP=vip)
    assert "node2" in found(judge(taken, *planes[:3]))[HOST]
    added = found(judge(edited(planes[1], spec__addresses__ipv4="192.168.10.100"), right, planes[0], complete=False))
    assert "virtual address of Cluster demo" in added["spec.addresses.ipv4"]


@pytest.mark.parameter("spec.onPremises.controlPlaneEndpoint.selfBuiltVIP.address")
def test_a_named_virtual_address_is_given_beside_the_name(cluster: Json, planes: list[Json]) -> None:
    named = {"host": "api.example.com", "selfBuiltVIP": {"virtualRouterID": 51}}
    assert "is required" in found(judge(with_endpoint(cluster, **named), *planes[:3]))[VIP]
    named["selfBuiltVIP"] = {"virtualRouterID": 51, "address": "10.16.0.9"}
    assert "exist only inside the cluster" in found(judge(with_endpoint(cluster, **named), *planes[:3]))[VIP]
    named["selfBuiltVIP"] = {"virtualRouterID": 51, "address": "192.168.10.100"}
    assert judge(with_endpoint(cluster, **named), *planes[:3]).errors == []
    other = {"host": "192.168.10.99", "selfBuiltVIP": {"virtualRouterID": 51, "address": "192.168.10.100"}}
    assert "192.168.10.99" in found(judge(with_endpoint(cluster, **other), *planes[:3]))[VIP]


@pytest.mark.parametrize("number", [0, 256, None])
@pytest.mark.parameter("spec.onPremises.controlPlaneEndpoint.selfBuiltVIP.virtualRouterID")
def test_a_virtual_router_has_a_number_of_its_own(cluster: Json, number: int | None) -> None:
    vip = {} if number is None else {"virtualRouterID": number}
    verdict = judge(with_endpoint(cluster, host="192.168.10.100", selfBuiltVIP=vip), complete=False)
    assert f"{VIP.rpartition('.')[0]}.virtualRouterID" in found(verdict)


@pytest.mark.parameter("spec.onPremises.controlPlaneEndpoint.port")
def test_a_virtual_address_needs_a_port_that_nothing_else_has(cluster: Json, planes: list[Json]) -> None:
    vip = with_endpoint(cluster, host="192.168.10.100", port=10250, selfBuiltVIP={"virtualRouterID": 51})
    assert "kubelet" in found(judge(vip, *planes[:3]))["spec.onPremises.controlPlaneEndpoint.port"]


@pytest.mark.parameter("spec.onPremises.controlPlaneEndpoint.externalAccess.host")
def test_external_access_is_an_address_that_the_platform_reaches(cluster: Json, planes: list[Json]) -> None:
    path = "spec.onPremises.controlPlaneEndpoint.externalAccess.host"
    inside = with_endpoint(cluster, host="192.168.10.100", externalAccess={"host": "10.16.0.9"})
    assert "platform can't reach" in found(judge(inside, *planes[:1]))[path]
    right = with_endpoint(cluster, host="192.168.10.100", externalAccess={"host": "203.0.113.9", "port": 7443})
    assert judge(right, *planes[:1]).errors == []
