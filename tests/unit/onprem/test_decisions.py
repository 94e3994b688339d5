"""Small pure decisions: the plan's hash, reasons of failures, Nodes of Machines, Pods that leave, progress."""

from __future__ import annotations

import datetime
from typing import Any, cast

import pytest

from roost.api import conditions
from roost.api.errors import PermanentFailure, RetryLater
from roost.node.act import Step
from roost.providers.onprem import access, drain, layout, nodes, tokens, wish
from roost.providers.onprem.acting import reason_of
from roost.providers.onprem.following import View, not_ready
from roost.providers.onprem.progress import Progress
from tests.unit.onprem import made

UNREADY = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady"


def item(name: str, address: str, *, ready: bool = True, message: str = "") -> dict[str, Any]:
    condition = {"type": "Ready", "status": str(ready), "reason": "KubeletNotReady", "message": message}
    return {
        "metadata": {"name": name, "creationTimestamp": "2026-11-24T16:00:00Z"},
        "status": {
            "conditions": [condition],
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {"kubeletVersion": "v1.31.4"},
        },
    }


def test_a_node_in_its_first_moments_has_not_failed() -> None:
    node = nodes.read(item("w1", "10.200.0.12", ready=False, message=UNREADY))
    assert not_ready(node, node.created + datetime.timedelta(seconds=5)) == conditions.IN_PROGRESS
    assert not_ready(node, node.created + datetime.timedelta(minutes=2)) == "NodeNotReady"


def test_the_plans_hash_is_that_of_the_wish_and_not_of_who_signs_in_or_how_far_it_is() -> None:
    before = wish.digest(made.context())
    approved = made.spec()
    approved.approved_plan, approved.paused = before, True
    assert wish.digest(made.context(spec_=approved)) == before
    other = made.machine("w1", "10.200.0.12", ssh={"port": 2222})
    assert wish.digest(made.context(made.CP, other)) == before
    assert wish.digest(made.context(spec_=made.spec(network={"podCIDR": "10.20.0.0/16"}))) != before
    assert wish.digest(made.context(made.CP)) != before
    assert wish.digest(made.context(registry=False)) != before


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("image:registry.k8s.io/etcd:3.5.15-0", "ImageNotPulled"),
        ("program:/usr/local/bin/kubelet", "ProgramNotInstalled"),
        ("unit:containerd.service", "UnitNotStarted"),
        ("kubeadm:ready", "ControlPlaneNotReady"),
        ("kubeadm:join", "JoinFailed"),
        ("kubeadm:certificates", "KubeadmFailed"),
        ("file:/etc/crictl.yaml", "ActFailed"),
        (None, "ActFailed"),
    ],
)
def test_a_failed_act_has_the_reason_of_the_thing_that_failed(key: str | None, reason: str) -> None:
    assert reason_of(key) == reason


def test_a_machines_node_is_the_one_with_its_address() -> None:
    found = [nodes.read(item("a", "10.200.0.11")), nodes.read(item("b", "10.200.0.12"))]
    node = nodes.of_machine(found, made.W1)
    assert node is not None
    assert (node.name, node.ready, node.version) == ("b", True, "1.31.4")
    assert nodes.addresses(found, [made.W1]) == {"b": frozenset({"10.200.0.12"})}
    assert nodes.of_machine(found[:1], made.W1) is None


def test_only_a_missing_network_is_called_so() -> None:
    waiting = nodes.read(item("w1", "10.200.0.12", ready=False, message=UNREADY))
    sick = nodes.read(item("cp1", "10.200.0.11", ready=False, message="PLEG is not healthy"))
    ready = nodes.read(item("cp1", "10.200.0.11"))
    machines = (made.CP, made.W1)
    assert View(machines, [ready, waiting]).network_missing
    assert View(machines, [ready, waiting]).ready == 1
    assert not View(machines, [sick, waiting]).network_missing
    assert not View(machines, [waiting]).network_missing
    assert not View(machines, [ready, nodes.read(item("w1", "10.200.0.12"))]).network_missing


@pytest.mark.parametrize(
    ("metadata", "goes"),
    [
        ({}, True),
        ({"ownerReferences": [{"kind": "ReplicaSet", "controller": True}]}, True),
        ({"ownerReferences": [{"kind": "DaemonSet", "controller": True}]}, False),
        ({"annotations": {"kubernetes.io/config.mirror": "x"}}, False),
    ],
)
def test_pods_that_leave_a_node(metadata: dict[str, Any], goes: bool) -> None:
    assert drain.has_to_go({"metadata": metadata}) is goes


def test_a_token_is_short_lived_and_of_one_machine() -> None:
    token = tokens.make()
    now = datetime.datetime(2026, 11, 24, 16, 0, tzinfo=datetime.UTC)
    secret = tokens.manifest(token, "w1", now)
    assert secret["metadata"]["labels"] == {tokens.MACHINE_LABEL: "w1"}
    assert secret["stringData"]["expiration"] == "2026-11-24T16:20:00Z"
    assert token.value == f"{secret['stringData']['token-id']}.{secret['stringData']['token-secret']}"
    assert token.value not in repr(token)


def test_admins_are_those_of_the_version() -> None:
    assert layout.admin_group("1.28.15") == "system:masters"
    assert layout.admin_group("1.29.15") == "kubeadm:cluster-admins"
    assert access.LIFE_HOURS == 720


def test_a_cluster_without_a_control_plane_is_refused() -> None:
    with pytest.raises(PermanentFailure, match="none"):
        layout.control_plane(made.context(made.W1))


def test_progress_tells_what_is_done_where_and_what_failed() -> None:
    ctx = made.context()
    reported = cast("made.Reported", ctx.report)
    progress = Progress(ctx)
    progress.expect("prepare", ["cp1", "w1"])
    assert reported.clusters[conditions.MACHINES_PREPARED] == ("False", "Waiting", "not begun on cp1, w1")
    progress.step("prepare", "w1", Step(3, 20, "image:x", "pull x", "started"))
    assert reported.clusters[conditions.MACHINES_PREPARED] == (
        "False",
        "InProgress",
        "0 of 2 done; w1: pull x (3/20)",
    )
    progress.done("prepare", "cp1")
    progress.failed("prepare", "w1", RetryLater("ImageNotPulled", "w1: no such image"))
    assert reported.clusters[conditions.MACHINES_PREPARED] == ("False", "ImageNotPulled", "w1: no such image")
    assert reported.machines["cp1", conditions.PREPARED][0] == "True"
    progress.done("prepare", "w1")
    assert reported.clusters[conditions.MACHINES_PREPARED][0] == "True"
