"""Every rule of a Cluster: which field, and what would be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from roost.api.validation.findings import Verdict
from roost.api.validation.judge import validate, validate_deletion
from roost.api.validation.world import MemoryWorld
from tests.unit.api.conftest import Json, edited

RELEASES = ["1.28.15", "1.31.4"]
NETWORK = "spec.onPremises.network"
HOST = "spec.onPremises.controlPlaneEndpoint.host"
Make = Callable[..., Json]


def judge(document: Json, *others: Json, old: Json | None = None) -> Verdict:
    return validate("Cluster", document, old, MemoryWorld.of(others, releases=RELEASES))


def found(verdict: Verdict) -> dict[str, str]:
    return {error.path: error.message for error in verdict.errors}


def test_a_right_cluster_passes_and_says_how_many_nodes_fit(cluster: Json) -> None:
    verdict = judge(cluster)
    assert verdict.errors == []
    assert f"{NETWORK}.podCIDR: 10.16.0.0/16 with 256 addresses per node has room for 256 nodes" in verdict.warnings
    assert any("no Machine with role ControlPlane" in warning for warning in verdict.warnings)


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("v1.31.4", "write 1.31.4"),
        ("1.31", "write 1.31.4"),
        ("1.29", "write 1.29.0"),
        ("latest", "write 1.31.4"),
        ("1.27.3", "roost installs 1.28 to 1.31"),
        ("1.30.4", "here are 1.31.4 (recommended), 1.28.15"),
    ],
)
@pytest.mark.parameter("spec.version")
def test_version(cluster: Json, given: str, right: str) -> None:
    assert right in found(judge(edited(cluster, spec__version=given)))["spec.version"]


def test_version_is_required(cluster: Json) -> None:
    errors = judge(edited(cluster, spec__version=None)).errors
    assert [(e.path, e.reason) for e in errors] == [("spec.version", "FieldValueRequired")]


@pytest.mark.parametrize(
    ("field", "value", "path", "right"),
    [
        ("podCIDR", "10.16.0.1/16", "podCIDR", "the network is 10.16.0.0/16"),
        ("podCIDR", "10.16.0.0", "podCIDR", "such as 10.16.0.0/16"),
        ("podCIDR", "10.16/16", "podCIDR", "such as 10.16.0.0/16"),
        ("podCIDR", "fd00::/48", "podCIDR", "of the other family than ipFamily IPv4"),
        ("podCIDR", "127.0.0.0/16", "podCIDR", "loopback"),
        ("podCIDR", "10.16.0.0/25", "podCIDR", "write /24 or a shorter length"),
        ("serviceCIDR", "10.112.0.0/29", "serviceCIDR", "/28"),
        ("serviceCIDR", "10.32.0.0/11", "serviceCIDR", "/12"),
        ("serviceCIDR", "10.16.0.0/16", "serviceCIDR", "such as 10.112.0.0/16"),
        ("ipsPerNode", 100, "ipsPerNode", "write 64 or 128"),
        ("ipsPerNode", 8, "ipsPerNode", "at least 16"),
        ("ipsPerNode", "256", "ipsPerNode", "must be a whole number, not 256"),
        ("dnsDomain", "Cluster.local", "dnsDomain", "such as cluster.local"),
        ("plugin", "Fannel", "plugin", "did you mean Flannel?"),
        ("podCidr", "10.16.0.0/16", "podCidr", "did you mean podCIDR?"),
    ],
)
@pytest.mark.parameter(
    "spec.onPremises.network.podCIDR",
    "spec.onPremises.network.serviceCIDR",
    "spec.onPremises.network.ipsPerNode",
    "spec.onPremises.network.dnsDomain",
    "spec.onPremises.network.plugin",
)
def test_network(cluster: Json, field: str, value: object, path: str, right: str) -> None:
    errors = found(judge(edited(cluster, **{f"spec__onPremises__network__{field}": value})))
    assert list(errors) == [f"{NETWORK}.{path}"]
    assert right in errors[f"{NETWORK}.{path}"]


@pytest.mark.parameter("spec.onPremises.network.podCIDR")
def test_networks_keep_clear_of_machines(cluster: Json, machine: Make) -> None:
    wide = edited(cluster, spec__onPremises__network__podCIDR="192.168.0.0/16")
    errors = found(judge(wide, machine("node2", "192.168.10.12")))
    assert "contains the address of Machine node2" in errors[f"{NETWORK}.podCIDR"]
    assert "such as 10.16.0.0/16" in errors[f"{NETWORK}.podCIDR"]
    assert "lies in podCIDR 192.168.0.0/16" in errors[HOST]


@pytest.mark.parameter("spec.onPremises.network.ipsPerNode")
def test_more_machines_than_nodes_fit(cluster: Json, machine: Make) -> None:
    small = edited(cluster, spec__onPremises__network__podCIDR="10.16.0.0/23")
    machines = [machine(f"n{i}", f"192.168.10.{10 + i}", "ControlPlane" if i == 1 else "Worker") for i in range(3)]
    assert "room for 2 nodes, but the cluster has 3 Machines" in found(judge(small, *machines))[f"{NETWORK}.podCIDR"]


def test_a_custom_plugin_divides_the_network_itself(cluster: Json) -> None:
    custom = edited(
        cluster, spec__onPremises__network__plugin="Custom", spec__onPremises__network__podCIDR="10.16.0.0/26"
    )
    assert judge(custom).errors == []


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("127.0.0.1", "is a loopback address"),
        ("localhost", "names the machine itself"),
        ("0.0.0.0", "is the unspecified address"),
        ("169.254.1.1", "is a link-local address"),
        ("224.0.0.1", "is a multicast address"),
        ("::1", "of the other family than ipFamily IPv4"),
        ("https://api.example.com:6443", "write api.example.com"),
        ("api.example.com:6443", "write api.example.com"),
        ("API.example.com", "write api.example.com"),
        ("192.168.010.011", "write 192.168.10.11"),
        ("256.1.1.1", "neither an IP address nor a DNS name"),
        ("10.112.0.1", "lies in serviceCIDR 10.112.0.0/12"),
        ("10.16.3.4", "lies in podCIDR 10.16.0.0/16"),
    ],
)
@pytest.mark.parameter("spec.onPremises.controlPlaneEndpoint.host")
def test_endpoint(cluster: Json, host: str, words: str) -> None:
    errors = found(judge(edited(cluster, spec__onPremises__controlPlaneEndpoint__host=host)))
    assert list(errors) == [HOST]
    assert words in errors[HOST]


def test_endpoint_of_a_worker(cluster: Json, machine: Make) -> None:
    machines = [machine("node1", "192.168.10.11"), machine("node2", "192.168.10.12", "ControlPlane")]
    message = found(judge(cluster, *machines))[HOST]
    assert "the address of the worker node1" in message
    assert "write the control plane's address 192.168.10.12" in message


@pytest.mark.parametrize("host", ["api.example.com", "192.168.10.100"])
def test_endpoint_elsewhere(cluster: Json, machine: Make, host: str) -> None:
    elsewhere = edited(cluster, spec__onPremises__controlPlaneEndpoint__host=host)
    assert judge(elsewhere, machine("node1", "192.168.10.11", "ControlPlane")).errors == []


@pytest.mark.parametrize(
    ("component", "flag", "words"),
    [
        ("kubeletExtraArgs", "--max-pods", "without dashes: max-pods"),
        ("kubeletExtraArgs", "maxPods", "such as max-pods"),
        ("kubeletExtraArgs", "max-pods=110", "as the key and its value as the value: max-pods: 110"),
        ("kubeletExtraArgs", "node-ip", "set by roost"),
        ("apiServerExtraArgs", "etcd-servers", "set by roost"),
        ("controllerManagerExtraArgs", "cluster-cidr", "write spec.onPremises.network instead"),
        ("schedulerExtraArgs", "kubeconfig", "set by roost"),
    ],
)
@pytest.mark.parameter(
    "spec.onPremises.kubeletExtraArgs",
    "spec.onPremises.apiServerExtraArgs",
    "spec.onPremises.controllerManagerExtraArgs",
    "spec.onPremises.schedulerExtraArgs",
)
def test_flags(cluster: Json, component: str, flag: str, words: str) -> None:
    errors = judge(edited(cluster, **{f"spec__onPremises__{component}": {flag: "1"}})).errors
    assert len(errors) == 1
    assert errors[0].path.startswith(f"spec.onPremises.{component}")
    assert words in errors[0].message


def test_flags_that_pass(cluster: Json) -> None:
    flags = {"max-pods": "200", "v": "4", "fail-swap-on": "false"}
    assert judge(edited(cluster, spec__onPremises__kubeletExtraArgs=flags)).errors == []
    bad = edited(cluster, spec__onPremises__kubeletExtraArgs={"max-pods": "many"})
    assert "whole number" in judge(bad).errors[0].message


@pytest.mark.parameter("spec.onPremises.publicAlternativeNames")
def test_alternative_names(cluster: Json) -> None:
    names = ["api.example.com", "*.example.com", "203.0.113.7", "fd00::7", "a_b", "api.example.com", "x" * 254]
    errors = found(judge(edited(cluster, spec__onPremises__publicAlternativeNames=names[:6])))
    assert list(errors) == [f"spec.onPremises.publicAlternativeNames[{i}]" for i in (4, 5)]
    assert (
        "at most 253"
        in found(judge(edited(cluster, spec__onPremises__publicAlternativeNames=names)))[
            "spec.onPremises.publicAlternativeNames[6]"
        ]
    )


def test_the_way(cluster: Json) -> None:
    assert "exactly one of" in judge(edited(cluster, spec__onPremises=None)).errors[0].message
    assert "exactly one of" in judge(edited(cluster, spec__global={})).errors[0].message
    platform = edited(cluster, spec__onPremises=None, spec__global={})
    assert judge(platform).errors[0].path == "spec.global"


def test_the_platform_is_read_only(cluster: Json) -> None:
    platform = edited(
        cluster,
        metadata__name="global",
        metadata__namespace="roost-system",
        spec__onPremises=None,
        spec__global={},
    )
    assert "can't be deleted" in validate_deletion("Cluster", platform).errors[0].message
    assert validate_deletion("Cluster", cluster).errors == []
    assert judge(edited(platform, spec__displayName="x"), old=platform).errors[0].reason == "FieldValueForbidden"
    assert judge(edited(platform, metadata__labels={"a": "b"}), old=platform).errors == []
    usurper = edited(cluster, metadata__name="global", metadata__namespace="roost-system")
    assert judge(usurper).errors[0].path == "metadata.name"


def initialized(document: Json) -> Json:
    return edited(document, status={"conditions": [{"type": "ControlPlaneInitialized", "status": "True"}]})


NEVER: list[tuple[str, Any, str]] = [
    ("spec__onPremises__network__plugin", "Calico", f"{NETWORK}.plugin"),
    ("spec__onPremises__network__ipFamily", "IPv6", f"{NETWORK}.ipFamily"),
    ("spec__onPremises__network__podCIDR", "10.20.0.0/16", f"{NETWORK}.podCIDR"),
    ("spec__onPremises__network__dnsDomain", "other.local", f"{NETWORK}.dnsDomain"),
    ("spec__onPremises__kubeletExtraArgs", {"v": "4"}, "spec.onPremises.kubeletExtraArgs.v"),
    ("spec__onPremises__schedulerExtraArgs", {"v": "4"}, "spec.onPremises.schedulerExtraArgs.v"),
    ("spec__onPremises__publicAlternativeNames", ["a.b"], "spec.onPremises.publicAlternativeNames"),
    ("spec__annotations", {"a/b": "c"}, "spec.annotations[a/b]"),
]
LATER: list[tuple[str, Any, str]] = [
    ("spec__onPremises__controlPlaneEndpoint__port", 7443, "spec.onPremises.controlPlaneEndpoint.port"),
    ("spec__onPremises__nodeName", "IP", "spec.onPremises.nodeName"),
    ("spec__onPremises__runtime", {"logMaxFiles": 7}, "spec.onPremises.runtime.logMaxFiles"),
    ("spec__version", "1.28.15", "spec.version"),
]


@pytest.mark.parametrize(("field", "value", "path"), NEVER)
def test_frozen_from_the_first_moment_on(cluster: Json, field: str, value: object, path: str) -> None:
    errors = judge(edited(cluster, **{field: value}), old=cluster).errors
    assert path in [error.path for error in errors]
    found = next(error for error in errors if error.path == path)
    assert found.reason == "FieldValueForbidden"
    assert "can't be changed: " in found.message
    assert "不可更改" in found.text("zh")


@pytest.mark.parametrize(("field", "value", "path"), LATER)
@pytest.mark.parameter(
    "spec.onPremises.controlPlaneEndpoint.port",
    "spec.onPremises.nodeName",
    "spec.onPremises.runtime.logMaxFiles",
    "spec.version",
)
def test_frozen_once_the_control_plane_is_initialised(cluster: Json, field: str, value: object, path: str) -> None:
    changed = edited(cluster, **{field: value})
    assert judge(changed, old=cluster).errors == []
    errors = judge(changed, old=initialized(cluster)).errors
    assert [error.path for error in errors] == [path]
    assert errors[0].reason == "FieldValueForbidden"
    assert "any more (ControlPlaneInitialized): " in errors[0].message
    assert "不可更改" in errors[0].text("zh")


def test_writing_a_default_out_is_no_change(cluster: Json) -> None:
    written = edited(cluster, spec__onPremises__network__podCIDR="10.16.0.0/16")
    assert judge(written, old=initialized(cluster)).errors == []


def test_the_way_is_frozen(cluster: Json) -> None:
    errors = judge(edited(cluster, spec__onPremises=None, spec__global={}), old=cluster).errors
    assert "create another Cluster" in errors[0].message


def test_on_update_only_what_changed_is_judged(cluster: Json, machine: Make) -> None:
    """An old error, of an older release or of a changed world, keeps nobody from another change."""
    broken = edited(cluster, spec__version="1.30.4", spec__onPremises__network__podCIDR="192.168.0.0/16")
    world = machine("node1", "192.168.10.11", "ControlPlane")
    assert judge(broken, world).errors
    assert judge(edited(broken, spec__displayName="Demo"), world, old=broken).errors == []
    worse = edited(broken, spec__onPremises__network__serviceCIDR="192.168.0.0/16")
    assert {e.path for e in judge(worse, world, old=broken).errors} == {f"{NETWORK}.serviceCIDR"}
    other = edited(broken, spec__version="1.30.5")
    assert [e.path for e in judge(other, world, old=broken).errors] == ["spec.version"]


def test_what_is_being_deleted_passes(cluster: Json) -> None:
    going = edited(cluster, metadata__deletionTimestamp="2026-01-01T00:00:00Z", spec__version="nonsense")
    assert judge(going, old=cluster).errors == []


def test_the_id_is_frozen(cluster: Json) -> None:
    key = "cluster.alauda.io/id"
    assert judge(edited(cluster, metadata__annotations={key: "x"})).errors[0].path == f"metadata.annotations[{key}]"
    old = edited(cluster, metadata__annotations={key: "abc"})
    assert judge(old, old=cluster).errors == []
    for wrong in ({key: "xyz"}, {}):
        errors = judge(edited(cluster, metadata__annotations=wrong), old=old).errors
        assert "leave it at abc" in errors[0].message


@pytest.mark.parametrize("kind", ["Plan", "KubernetesRelease"])
def test_kinds_that_only_roost_writes(kind: str) -> None:
    plan = {"kind": kind, "metadata": {"name": "p"}, "spec": {"clusterName": "demo", "hash": "a"}}
    world = MemoryWorld()
    assert "written by roost alone" in validate(kind, plan, None, world).errors[-1].message
    assert validate(kind, {**plan, "metadata": {"name": "p", "labels": {}}}, plan, world).errors == []
    assert validate(kind, edited(plan, spec__hash="b"), plan, world).errors != []


@pytest.mark.parametrize("name", ["a.b", "Demo", "x" * 64, "-a"])
def test_names(cluster: Json, name: str) -> None:
    assert "DNS label" in found(judge(edited(cluster, metadata__name=name)))["metadata.name"]
