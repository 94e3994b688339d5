"""Every field of a Cluster and a Machine, changed: what is immutable is refused with the reason, the rest passes.

The fields come from the models, so that a new one without an example here fails, and so does a mark `Frozen`
that nothing enforces.
"""

from __future__ import annotations

from typing import Any

import pytest

from roost.api.validation.findings import Verdict
from roost.api.validation.judge import validate
from roost.api.validation.world import MemoryWorld
from tests.unit.api.conftest import API, Json, edited
from tools import parameters

PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
ENDPOINT: Json = {"host": "192.168.10.11", "port": 6443}
VIP: Json = {
    "host": "api.example.com",
    "selfBuiltVIP": {"address": "192.168.10.100", "virtualRouterID": 7},
    "externalAccess": {"host": "203.0.113.9", "port": 6443},
}
OVERLAY: Json = {"plugin": "KubeOVN", "transmitMode": "Overlay", "joinCIDR": "100.64.0.0/16"}
UNDERLAY: Json = {
    "plugin": "KubeOVN",
    "transmitMode": "Underlay",
    "gateway": "10.16.0.1",
    "vlanID": 7,
    "reservedIPs": ["10.16.0.2"],
    "nic": "eth1",
}
PRIVATE: Json = {"type": "Private", "address": "r.example.com", "credential": {"name": "pull"}, "ca": PEM}
AGENT: Json = {
    "type": "VictoriaMetrics",
    "deployment": "AgentOnly",
    "linkedCluster": {"namespace": "default", "name": "full"},
    "machines": ["w1"],
}

ON_PREMISES: dict[str, tuple[Json, Any]] = {
    # Field below spec.onPremises: what stands there (laid over a right cluster), and the other value.
    "controlPlaneEndpoint.host": ({}, "192.168.10.10"),
    "controlPlaneEndpoint.port": ({}, 7443),
    "controlPlaneEndpoint.selfBuiltVIP.address": ({"controlPlaneEndpoint": VIP}, "192.168.10.101"),
    "controlPlaneEndpoint.selfBuiltVIP.virtualRouterID": ({"controlPlaneEndpoint": VIP}, 8),
    "controlPlaneEndpoint.externalAccess.host": ({"controlPlaneEndpoint": VIP}, "203.0.113.10"),
    "controlPlaneEndpoint.externalAccess.port": ({"controlPlaneEndpoint": VIP}, 7443),
    "network.plugin": ({}, "Custom"),
    "network.ipFamily": ({}, "IPv6"),
    "network.podCIDR": ({}, "10.20.0.0/16"),
    "network.serviceCIDR": ({}, "10.96.0.0/12"),
    "network.ipsPerNode": ({}, 128),
    "network.dnsDomain": ({}, "other.local"),
    "network.transmitMode": ({"network": OVERLAY}, "Underlay"),
    "network.joinCIDR": ({"network": OVERLAY}, "100.65.0.0/16"),
    "network.gateway": ({"network": UNDERLAY}, "10.16.0.254"),
    "network.vlanID": ({"network": UNDERLAY}, 8),
    "network.reservedIPs": ({"network": UNDERLAY}, ["10.16.0.3"]),
    "network.nic": ({"network": UNDERLAY}, "eth2"),
    "nodeName": ({}, "IP"),
    "runtime.type": ({}, "Docker"),
    "runtime.logMaxSize": ({}, "50Mi"),
    "runtime.logMaxFiles": ({}, 7),
    "runtime.dataDirectory": ({}, "/data/roost"),
    "registry.type": ({}, "Public"),
    "registry.address": ({"registry": PRIVATE}, "other.example.com"),
    "registry.credential.name": ({"registry": PRIVATE}, "other"),
    "registry.ca": ({"registry": PRIVATE}, PEM + PEM),
    "dockerExtraArgs": ({"runtime": {"type": "Docker"}}, {"debug": "true"}),
    "kubeletExtraArgs": ({}, {"v": "4"}),
    "controllerManagerExtraArgs": ({}, {"v": "4"}),
    "schedulerExtraArgs": ({}, {"v": "4"}),
    "apiServerExtraArgs": ({}, {"v": "4"}),
    "publicAlternativeNames": ({}, ["api.example.org"]),
    "monitoring.type": ({"monitoring": {"type": "VictoriaMetrics"}}, "Prometheus"),
    "monitoring.deployment": ({"monitoring": {"type": "VictoriaMetrics"}}, "Full"),
    "monitoring.linkedCluster.namespace": ({"monitoring": AGENT}, "other"),
    "monitoring.linkedCluster.name": ({"monitoring": AGENT}, "fuller"),
    "monitoring.machines": ({"monitoring": AGENT}, ["w2"]),
}
COMMON: dict[str, tuple[Json, Any]] = {
    "displayName": ({}, "Demo"),
    "version": ({}, "1.30.4"),
    "paused": ({}, True),
    "approval": ({}, "Manual"),
    "approvedPlan": ({}, "abc"),
    "annotations": ({}, {"team": "shop"}),
    "project": ({}, "shop"),
}
IMPORTED: dict[str, Any] = {
    "server": "https://10.0.0.2:6443",
    "ca": PEM,
    "tlsServerName": "kubernetes",
    "credential.name": "other",
    "profile": "Observe",
    "allowUnsupportedVersion": True,
    "takeover": True,
}
REGISTERED: dict[str, Any] = {
    "approval": "Automatic",
    "accepted": True,
    "profile": "Operate",
    "expectedUID": "5f0c",
}
MACHINE: dict[str, tuple[Json, Any]] = {
    "clusterName": ({}, "full"),
    "role": ({}, "ControlPlane"),
    "displayName": ({}, "Rack 7"),
    "addresses.ipv4": ({}, "192.168.10.13"),
    "addresses.ipv6": ({}, "fd00:10::12"),
    "allowApps": ({"role": "ControlPlane"}, True),
    "roles": ({}, ["infra"]),
    "labels": ({}, {"rack": "r7"}),
    "taints[].key": ({"taints": [{"key": "a", "effect": "NoSchedule"}]}, "b"),
    "taints[].value": ({"taints": [{"key": "a", "effect": "NoSchedule"}]}, "reserved"),
    "taints[].effect": ({"taints": [{"key": "a", "effect": "NoSchedule"}]}, "NoExecute"),
    "nic": ({}, "eth1"),
    "bridgeNetwork": ({}, "lab-net"),
    "ssh.address": ({}, "192.168.10.99"),
    "ssh.port": ({}, 2222),
    "ssh.user": ({}, "operator"),
    "ssh.credential.name": ({}, "other"),
    "ssh.proxy.address": (
        {"ssh": {"credential": {"name": "ssh"}, "proxy": {"address": "10.0.0.1:1080"}}},
        "10.0.0.2:1080",
    ),
    "ssh.proxy.credential.name": (
        {"ssh": {"credential": {"name": "ssh"}, "proxy": {"address": "10.0.0.1:1080", "credential": {"name": "s"}}}},
        "other",
    ),
    "ssh.hostKeys": ({}, ["SHA256:" + "A" * 43]),
}


def cases() -> dict[str, tuple[Json, Any]]:
    """By the path of the page of parameters: the object as it is stored, and the other value of that field."""
    cluster: Json = {
        "apiVersion": API,
        "kind": "Cluster",
        "metadata": {"name": "demo", "namespace": "default"},
        "spec": {"version": "1.31.4", "onPremises": {"controlPlaneEndpoint": ENDPOINT}},
    }
    attached: Json = {**cluster, "spec": {}}
    imported = edited(attached, spec__imported={"server": "https://10.0.0.1:6443", "credential": {"name": "kept"}})
    registered = edited(attached, spec__registered={"approval": "Manual"})
    machine: Json = {
        "apiVersion": API,
        "kind": "Machine",
        "metadata": {"name": "w1", "namespace": "default"},
        "spec": {
            "clusterName": "demo",
            "role": "Worker",
            "addresses": {"ipv4": "192.168.10.12"},
            "ssh": {"credential": {"name": "ssh"}},
        },
    }
    found: dict[str, tuple[Json, Any]] = {}
    for name, (over, value) in COMMON.items():
        found[f"spec.{name}"] = ({**cluster, "spec": {**cluster["spec"], **over}}, value)
    for name, (over, value) in ON_PREMISES.items():
        on_premises = {**cluster["spec"]["onPremises"], **over}
        found[f"spec.onPremises.{name}"] = (edited(cluster, spec__onPremises=on_premises), value)
    found |= {f"spec.imported.{name}": (imported, value) for name, value in IMPORTED.items()}
    found |= {f"spec.registered.{name}": (registered, value) for name, value in REGISTERED.items()}
    for name, (over, value) in MACHINE.items():
        found[f"Machine:spec.{name}"] = ({**machine, "spec": {**machine["spec"], **over}}, value)
    return found


CASES = cases()
ROWS = dict(parameters.rows())


def with_value(document: Json, path: str, value: object) -> Json:
    """A copy with one field set; `[]` is the first entry of a list."""
    copied = edited(document)
    *steps, last = path.removeprefix("Machine:").replace("[]", ".0").split(".")
    at: Any = copied
    for step in steps:
        at = at[0] if step == "0" else at.setdefault(step, {})
    at[last] = value
    return copied


def once(document: Json, condition: str) -> Json:
    return edited(document, status={"conditions": [{"type": condition, "status": "True"}]})


def change(document: Json, stored: Json) -> Verdict:
    """Beside a Cluster with a full VictoriaMetrics, a Machine, and everything else a change may name."""
    full = edited(
        CASES["spec.displayName"][0],
        metadata__name="full",
        spec__onPremises__monitoring={"type": "VictoriaMetrics", "deployment": "Full"},
    )
    others = [
        full,
        edited(full, metadata__name="fuller"),
        edited(full, metadata__namespace="other"),
        {**CASES["Machine:spec.displayName"][0], "metadata": {"name": "w2", "namespace": "default"}},
        {"kind": "FeatureGate", "metadata": {"name": "cri-docker"}, "spec": {"enabled": True}},
        {"kind": "Project", "metadata": {"name": "shop"}},
    ]
    kind = str(document["kind"])
    if kind == "Machine":
        others = [once(edited(CASES["spec.onPremises.network.vlanID"][0]), "ControlPlaneInitialized"), full]
    world = MemoryWorld.of([*others, stored], releases=["1.31.4", "1.30.4"])
    return validate(kind, document, stored, world)


def test_every_field_has_an_example() -> None:
    assert set(CASES) == set(ROWS), "a field of the models is missing here, or one is gone"


@pytest.mark.parametrize("path", [path for path, row in ROWS.items() if row.frozen is not None])
def test_what_is_immutable_is_refused_with_the_reason(path: str) -> None:
    stored, value = CASES[path]
    frozen = ROWS[path].frozen
    assert frozen is not None
    changed = with_value(stored, path, value)
    if frozen.after is not None:
        assert change(changed, stored).errors == [], "it can still be corrected"
        stored = once(stored, frozen.after)
        changed = {**changed, "status": stored["status"]}
    errors = change(changed, stored).errors
    about = [found for found in errors if found.path.startswith(path.removeprefix("Machine:").split("[")[0])]
    assert about, [str(found) for found in errors]
    assert all(found.reason == "FieldValueForbidden" for found in about)
    assert frozen.because in about[0].message
    assert "不可更改" in about[0].text("zh")


@pytest.mark.parametrize("path", [path for path, row in ROWS.items() if row.frozen is None])
def test_what_is_mutable_may_be_changed_on_what_runs(path: str) -> None:
    stored, value = CASES[path]
    for condition in ("ControlPlaneInitialized", "Joined"):
        running = once(stored, condition)
        changed = {**with_value(stored, path, value), "status": running["status"]}
        assert changed["spec"] != running["spec"]
        assert [str(found) for found in change(changed, running).errors] == []
