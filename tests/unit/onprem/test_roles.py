"""What a Machine declares is on its Node; what nobody declared is left alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from roost.api.v1alpha1.cluster import ClusterSpec
from roost.api.v1alpha1.machine import MachineSpec
from roost.providers.onprem import roles
from roost.providers.onprem.context import MachineInput
from tests.unit.onprem import made

INFRA = {"key": "node-role.kubernetes.io/infra", "value": "reserved", "effect": "NoSchedule"}
PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


def machine(role: str = "Worker", **spec: Any) -> MachineInput:
    one = made.machine("w1", "10.200.0.12", role)
    whole = {**one.spec.model_dump(by_alias=True, mode="json"), **spec}
    return replace(one, spec=MachineSpec.model_validate(whole))


def node(
    labels: dict[str, str] | None = None,
    taints: list[dict[str, str]] | None = None,
    annotations: dict[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "w1",
            "resourceVersion": "7",
            "labels": labels or {},
            "annotations": annotations or {},
        },
        "spec": {"taints": taints or []},
    }


def after(item: dict[str, Any], one: MachineInput, cluster: ClusterSpec | None = None) -> dict[str, Any]:
    """The Node with the merge patch applied, as the API server does it."""
    found = roles.correction(item, roles.wish(one, cluster or made.spec()))
    assert found is not None, "nothing to correct"
    body = found.body
    metadata = {**item["metadata"]}
    for kind in ("labels", "annotations"):
        merged = {**metadata[kind], **body["metadata"].get(kind, {})}
        metadata[kind] = {key: value for key, value in merged.items() if value is not None}
    spec = {**item["spec"], **body.get("spec", {})}
    return {"metadata": metadata, "spec": {**spec, "taints": spec["taints"] or []}}


def settled(item: dict[str, Any], one: MachineInput) -> bool:
    return roles.correction(item, roles.wish(one, made.spec())) is None


def test_a_worker_without_declarations_is_left_alone() -> None:
    assert settled(node({"kubernetes.io/os": "linux", "mine": "1"}, [INFRA]), machine())


def test_roles_labels_and_taints_come_to_the_node() -> None:
    one = machine(roles=["infra", "log"], labels={"rack": "r7"}, taints=[INFRA])
    done = after(node({"mine": "1"}), one)
    assert done["metadata"]["labels"] == {
        "mine": "1",
        "node-role.kubernetes.io/infra": "",
        "node-role.kubernetes.io/log": "",
        "rack": "r7",
    }
    assert done["spec"]["taints"] == [INFRA]
    assert settled(done, one)


@pytest.mark.parametrize("lost", ["label", "value", "taint", "taint value"])
def test_what_somebody_takes_away_is_put_back(lost: str) -> None:
    one = machine(roles=["infra"], taints=[INFRA])
    right = after(node(), one)
    wrong = json.loads(json.dumps(right))
    if lost == "label":
        del wrong["metadata"]["labels"]["node-role.kubernetes.io/infra"]
    elif lost == "value":
        wrong["metadata"]["labels"]["node-role.kubernetes.io/infra"] = "reserved"
    elif lost == "taint":
        wrong["spec"]["taints"] = []
    else:
        wrong["spec"]["taints"] = [{**INFRA, "value": "other"}]
    assert after(wrong, one) == right


def test_what_others_put_stays() -> None:
    other = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}
    done = after(node({"mine": "1"}, [other]), machine(taints=[INFRA]))
    assert done["spec"]["taints"] == [other, INFRA]
    assert done["metadata"]["labels"] == {"mine": "1"}


def test_what_is_declared_no_more_goes_and_only_that() -> None:
    before = after(node({"mine": "1"}), machine(roles=["infra"], labels={"rack": "r7"}, taints=[INFRA]))
    done = after(before, machine(labels={"rack": "r7"}))
    assert done["metadata"]["labels"] == {"mine": "1", "rack": "r7"}
    assert done["spec"]["taints"] == []
    last = after(done, machine())
    assert last["metadata"] == {"name": "w1", "resourceVersion": "7", "labels": {"mine": "1"}, "annotations": {}}


def test_a_control_plane_keeps_its_label_and_taint() -> None:
    one = machine("ControlPlane")
    done = after(node(), one)
    assert done["metadata"]["labels"] == {roles.CONTROL_PLANE: ""}
    assert done["spec"]["taints"] == [PLANE]
    assert settled(done, one)


def test_the_name_of_before_1_24_counts_as_well() -> None:
    legacy = {"key": roles.MASTER, "effect": "NoSchedule"}
    assert settled(node({roles.MASTER: ""}, [legacy]), machine("ControlPlane"))
    done = after(node({roles.MASTER: ""}, [legacy]), machine("ControlPlane", allowApps=True))
    assert done["spec"]["taints"] == []


def test_apps_are_let_in_and_shut_out_again() -> None:
    shut = node({roles.CONTROL_PLANE: ""}, [PLANE, INFRA])
    opened = after(shut, machine("ControlPlane", allowApps=True))
    assert opened["spec"]["taints"] == [INFRA]
    assert {PLANE["key"], INFRA["key"]} == {
        taint["key"] for taint in after(opened, machine("ControlPlane"))["spec"]["taints"]
    }


def test_a_change_names_what_it_does_and_meets_only_the_node_it_saw() -> None:
    found = roles.correction(node(), roles.wish(machine(roles=["infra"], taints=[INFRA]), made.spec()))
    assert found is not None
    assert found.told == (
        "label node-role.kubernetes.io/infra",
        "taint node-role.kubernetes.io/infra=reserved:NoSchedule",
    )
    assert found.body["metadata"]["resourceVersion"] == "7"


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"labels": 3}'])
def test_a_broken_record_of_what_was_put_counts_as_none(broken: str) -> None:
    done = after(node({"mine": "1"}, annotations={roles.DECLARED: broken}), machine(labels={"a": "b"}))
    assert done["metadata"]["labels"] == {"mine": "1", "a": "b"}


def test_kube_ovn_finds_its_databases_and_devices() -> None:
    cluster = made.spec(network={"plugin": "KubeOVN", "nic": "eth1"})
    done = after(node({roles.CONTROL_PLANE: ""}, [PLANE]), machine("ControlPlane", nic="eth2"), cluster)
    assert done["metadata"]["labels"]["kube-ovn/role"] == "master"
    assert done["metadata"]["annotations"]["ovn.kubernetes.io/tunnel_interface"] == "eth2"
    assert roles.correction(node(), roles.wish(machine(), cluster)) is None
