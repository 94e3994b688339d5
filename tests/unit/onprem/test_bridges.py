"""Devices of single machines in an underlay: entered in the ProviderNetwork, beside what others entered there."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from roost.providers.onprem import nodes
from roost.providers.onprem.network import bridges
from tests.unit.onprem import made

UNDERLAY = {"plugin": "KubeOVN", "transmitMode": "Underlay", "nic": "eth1", "gateway": "10.16.0.1"}
pytestmark = pytest.mark.parameter("Machine:spec.nic", "Machine:spec.bridgeNetwork")


def network(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": "7"}, "spec": {"defaultInterface": "eth1", **spec}}


def after(before: dict[str, Any], devices: dict[str, str | None]) -> dict[str, Any]:
    found = bridges.correction(before, devices)
    assert found is not None
    assert found["metadata"]["resourceVersion"] == "7"
    spec = {**before["spec"], **found["spec"]}
    done = {"metadata": before["metadata"], "spec": {key: value for key, value in spec.items() if value is not None}}
    assert bridges.correction(done, devices) is None, "a second look changes nothing"
    return done["spec"]


def test_a_device_of_its_own_is_entered_and_the_default_one_is_not() -> None:
    assert after(network(), {"w1": "eth2", "w2": "eth1", "w3": None})["customInterfaces"] == [
        {"interface": "eth2", "nodes": ["w1"]}
    ]
    assert bridges.correction(network(), {"w2": "eth1", "w3": None}) is None


def test_what_others_entered_stays() -> None:
    before = network(customInterfaces=[{"interface": "eth2", "nodes": ["other"]}], excludeNodes=["far"])
    done = after(before, {"w1": "eth2"})
    assert done["customInterfaces"] == [{"interface": "eth2", "nodes": ["other", "w1"]}]
    assert done["excludeNodes"] == ["far"]


def test_a_machine_has_one_device_and_is_not_left_out() -> None:
    before = network(customInterfaces=[{"interface": "eth2", "nodes": ["w1"]}], excludeNodes=["w1"])
    done = after(before, {"w1": "eth3"})
    assert done == {"defaultInterface": "eth1", "customInterfaces": [{"interface": "eth3", "nodes": ["w1"]}]}
    assert "customInterfaces" not in after(before, {"w1": None})


def node(name: str, address: str) -> nodes.Node:
    return nodes.Node(name, True, "", "1.31.4", frozenset({address}), dt.datetime.now(dt.UTC))


@pytest.mark.parametrize(
    ("choices", "bridge", "expected"),
    [
        (UNDERLAY, None, {"provider": {"w1": "eth2"}}),
        (UNDERLAY, "lab-net", {"lab-net": {"w1": "eth2"}}),
        ({"plugin": "KubeOVN"}, None, {}),
        ({"plugin": "Flannel"}, None, {}),
    ],
)
def test_only_an_underlay_has_bridge_networks(choices: dict[str, Any], bridge: str | None, expected: object) -> None:
    spec = made.W1.spec.model_copy(update={"nic": "eth2", "bridge_network": bridge})
    ctx = made.context(made.CP, replace(made.W1, spec=spec), spec_=made.spec(network=choices))
    found = [node("cp1", "10.200.0.11"), node("w1", "10.200.0.12")]
    assert bridges.wanted(ctx, found) == expected
