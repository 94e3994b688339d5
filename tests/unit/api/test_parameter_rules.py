"""Every parameter of the creation form: which field is refused or warned of, and what would be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from roost.api.v1alpha1.cluster import ClusterSpec
from roost.api.validation.findings import Verdict
from roost.api.validation.judge import validate
from roost.api.validation.nodes import max_pods
from roost.api.validation.world import MemoryWorld
from tests.unit.api.conftest import Json, edited

Make = Callable[..., Json]
WAY = "spec.onPremises"
NETWORK = f"{WAY}.network"
UNDERLAY = {
    "plugin": "KubeOVN",
    "transmitMode": "Underlay",
    "podCIDR": "10.20.0.0/16",
    "gateway": "10.20.0.1",
    "vlanID": 7,
    "nic": "eth1",
    "reservedIPs": ["10.20.0.9", "10.20.0.20..10.20.0.30"],
}


def judge(document: Json, *others: Json, complete: bool = False, platform: bool = False) -> Verdict:
    world = MemoryWorld.of(others, releases=["1.31.4"], complete=complete, platform=platform)
    return validate(str(document["kind"]), document, None, world)


def found(verdict: Verdict) -> dict[str, str]:
    return {error.path: error.message for error in verdict.errors}


def noticed(verdict: Verdict) -> dict[str, str]:
    return {notice.path: notice.message for notice in verdict.notices}


def with_network(cluster: Json, **fields: object) -> Json:
    return edited(cluster, **{f"spec__onPremises__network__{name}": value for name, value in fields.items()})


def dual(cluster: Json, **fields: object) -> Json:
    wish = {"ipFamily": "DualStack", "podCIDR": "10.16.0.0/16,fd00:10:16::/48"}
    return with_network(cluster, **{**wish, "serviceCIDR": "10.112.0.0/12,fd00:10:112::/108", **fields})


def six(cluster: Json, **fields: object) -> Json:
    wish: dict[str, object] = {"ipFamily": "IPv6", "podCIDR": "fd00:10:16::/48", "serviceCIDR": "fd00:10:112::/108"}
    found = with_network(cluster, **{**wish, **fields})
    return edited(found, spec__onPremises__controlPlaneEndpoint__host="fd00:10::11")


@pytest.mark.parameter(f"{NETWORK}.ipFamily", f"{NETWORK}.podCIDR", f"{NETWORK}.serviceCIDR")
@pytest.mark.parametrize("make", [dual, six])
def test_families_that_pass(cluster: Json, make: Callable[[Json], Json]) -> None:
    assert judge(make(cluster)).errors == []


@pytest.mark.parameter(f"{NETWORK}.ipFamily", f"{NETWORK}.podCIDR", f"{NETWORK}.serviceCIDR")
@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"ipFamily": "DualStack"}, "podCIDR", "such as 10.16.0.0/16,fd00:10:16::/48"),
        ({"ipFamily": "IPv6"}, "podCIDR", "of the other family than ipFamily IPv6"),
        ({"podCIDR": "10.16.0.0/16,fd00:10:16::/48"}, "podCIDR", "is not one network, which ipFamily IPv4 needs"),
        ({"podCIDR": "fe80::/64", "ipFamily": "IPv6"}, "podCIDR", "link-local"),
        ({"podCIDR": "fd00::1/48", "ipFamily": "IPv6"}, "podCIDR", "the network is fd00::/48"),
        ({"serviceCIDR": "fd00::/64", "ipFamily": "IPv6"}, "serviceCIDR", "at least /108"),
        ({"serviceCIDR": "fd00::/125", "ipFamily": "IPv6"}, "serviceCIDR", "at most /124"),
    ],
)
def test_families(cluster: Json, fields: Json, path: str, words: str) -> None:
    assert words in found(judge(with_network(cluster, **fields)))[f"{NETWORK}.{path}"]


def test_dual_stack_has_ipv4_first(cluster: Json) -> None:
    turned = dual(cluster, podCIDR="fd00:10:16::/48,10.16.0.0/16")
    message = found(judge(turned))[f"{NETWORK}.podCIDR"]
    assert "IPv4 first" in message and "10.16.0.0/16,fd00:10:16::/48" in message


def test_the_smaller_of_both_families_tells_how_many_nodes_fit(cluster: Json) -> None:
    narrow = dual(cluster, podCIDR="10.16.0.0/16,fd00:10:16::/118")
    assert "has room for 4 nodes" in noticed(judge(narrow))[f"{NETWORK}.podCIDR"]


def test_overlap_in_the_second_family(cluster: Json) -> None:
    over = dual(cluster, serviceCIDR="10.112.0.0/12,fd00:10:16::/108")
    message = found(judge(over))[f"{NETWORK}.serviceCIDR"]
    assert "fd00:10:16::/108 overlaps podCIDR fd00:10:16::/48" in message
    assert "such as fd00:10:" in message


@pytest.mark.parameter(f"{NETWORK}.plugin", f"{NETWORK}.transmitMode", f"{NETWORK}.joinCIDR", f"{NETWORK}.ipsPerNode")
@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"transmitMode": "Overlay"}, "transmitMode", "only for KubeOVN"),
        ({"joinCIDR": "100.64.0.0/16"}, "joinCIDR", "only for KubeOVN with transmitMode Overlay"),
        ({**UNDERLAY, "joinCIDR": "100.64.0.0/16"}, "joinCIDR", "transmitMode Overlay"),
        ({"plugin": "KubeOVN", "gateway": "10.16.0.1"}, "gateway", "transmitMode Underlay"),
        ({"plugin": "KubeOVN", "vlanID": 1}, "vlanID", "transmitMode Underlay"),
        ({"plugin": "Calico", "reservedIPs": ["10.16.0.9"]}, "reservedIPs", "transmitMode Underlay"),
        ({"plugin": "Calico", "ipsPerNode": 256}, "ipsPerNode", "only for Flannel and Custom"),
        ({"plugin": "KubeOVN", "joinCIDR": "10.16.0.0/24"}, "joinCIDR", "overlaps podCIDR"),
        ({"plugin": "KubeOVN", "podCIDR": "100.64.0.0/16"}, "joinCIDR", "overlaps podCIDR"),
        ({"plugin": "KubeOVN", "joinCIDR": "100.64.0.0/31"}, "joinCIDR", "too few"),
        ({"plugin": "Calico", "podCIDR": "10.16.0.0/27"}, "podCIDR", "smaller than one of Calico's blocks"),
        ({"nic": "lo"}, "nic", "leads nowhere"),
        ({"nic": "a name too long"}, "nic", "at most 15 characters"),
    ],
)
def test_what_each_plugin_knows(cluster: Json, fields: Json, path: str, words: str) -> None:
    assert words in found(judge(with_network(cluster, **fields)))[f"{NETWORK}.{path}"]


@pytest.mark.parameter(f"{NETWORK}.gateway", f"{NETWORK}.vlanID", f"{NETWORK}.reservedIPs", f"{NETWORK}.nic")
def test_underlay_that_passes(cluster: Json) -> None:
    assert judge(with_network(cluster, **UNDERLAY)).errors == []


@pytest.mark.parameter(f"{NETWORK}.gateway", f"{NETWORK}.vlanID", f"{NETWORK}.reservedIPs", f"{NETWORK}.nic")
@pytest.mark.parametrize(
    ("field", "value", "path", "words"),
    [
        ("nic", None, "nic", "required with Underlay"),
        ("gateway", None, "gateway", "required with Underlay"),
        ("gateway", "10.21.0.1", "gateway", "such as 10.20.0.1"),
        ("gateway", "10.20.0.0", "gateway", "such as 10.20.0.1"),
        ("gateway", "10.20.0.1,10.20.0.2", "gateway", "write 10.20.0.1"),
        ("vlanID", 4095, "vlanID", "at most 4094"),
        ("vlanID", -1, "vlanID", "at least 0"),
        ("reservedIPs", ["10.20"], "reservedIPs[0]", "10.20.0.2 or 10.20.0.2..10.20.0.9"),
        ("reservedIPs", ["10.20.0.9..10.20.0.2"], "reservedIPs[0]", "write 10.20.0.2..10.20.0.9"),
        ("reservedIPs", ["10.20.0.9", "10.21.0.9"], "reservedIPs[1]", "outside of podCIDR"),
    ],
)
def test_underlay(cluster: Json, field: str, value: object, path: str, words: str) -> None:
    assert words in found(judge(with_network(cluster, **{**UNDERLAY, field: value})))[f"{NETWORK}.{path}"]


@pytest.mark.parameter(f"{NETWORK}.nic", "Machine:spec.nic")
def test_devices_that_monitoring_does_not_see(cluster: Json, machine: Make) -> None:
    for name in ("eth0", "ens192", "enp3s0", "wlan0", "wwan0"):
        assert f"{NETWORK}.nic" not in noticed(judge(with_network(cluster, nic=name)))
    assert "monitoring counts" in noticed(judge(with_network(cluster, nic="bond0")))[f"{NETWORK}.nic"]
    own = judge(machine("n", "192.168.10.12", spec__nic="bond0"), with_network(cluster, plugin="KubeOVN"))
    assert "monitoring counts" in noticed(own)["spec.nic"]


@pytest.mark.parameter("Machine:spec.nic", "Machine:spec.bridgeNetwork")
def test_devices_of_a_machine(cluster: Json, machine: Make) -> None:
    named = machine("n", "192.168.10.12", spec__nic="eth1")
    assert "has no effect with Flannel" in noticed(judge(named, cluster))["spec.nic"]
    assert "spec.nic" not in noticed(judge(named, with_network(cluster, plugin="KubeOVN")))
    bridged = machine("n", "192.168.10.12", spec__bridgeNetwork="vlan7")
    assert (
        "only for a Cluster whose default subnet is Underlay" in found(judge(bridged, cluster))["spec.bridgeNetwork"]
    )
    underlay = with_network(cluster, **UNDERLAY)
    assert "Machines that are added later" in found(judge(bridged, underlay))["spec.bridgeNetwork"]
    made = edited(underlay, status={"conditions": [{"type": "ControlPlaneInitialized", "status": "True"}]})
    assert judge(bridged, made).errors == []


@pytest.mark.parameter("Machine:spec.addresses.ipv4", "Machine:spec.addresses.ipv6", f"{NETWORK}.ipFamily")
def test_addresses_of_each_family(cluster: Json, machine: Make) -> None:
    four = machine("n", "192.168.10.12")
    both = edited(four, spec__addresses__ipv6="fd00:10::12")
    assert found(judge(four, dual(cluster))) == {
        "spec.addresses.ipv6": "is required with the Cluster's ipFamily DualStack; write the machine's address of "
        "that family"
    }
    assert judge(both, dual(cluster)).errors == []
    assert "has no effect" in noticed(judge(both, cluster))["spec.addresses.ipv6"]
    assert list(found(judge(four, six(cluster)))) == ["spec.addresses.ipv6"]
    only_six = edited(four, spec__addresses={"ipv6": "fd00:10::12"})
    assert judge(only_six, six(cluster)).errors == []
    for text, words in (
        ("fe80::1", "link-local"),
        ("192.168.1.1", "write it into spec.addresses.ipv4"),
        ("x:y", "fd00"),
    ):
        assert words in found(judge(edited(both, spec__addresses__ipv6=text)))["spec.addresses.ipv6"]
    assert "write ipv4, ipv6, or both" in found(judge(edited(four, spec__addresses={})))["spec.addresses"]
    inside = edited(both, spec__addresses__ipv6="fd00:10:16::5")
    assert "lies in the cluster's podCIDR" in found(judge(inside, dual(cluster)))["spec.addresses.ipv6"]


@pytest.mark.parameter(f"{WAY}.nodeName")
def test_ip_as_node_name_needs_ipv4(cluster: Json) -> None:
    named = edited(six(cluster), spec__onPremises__nodeName="IP")
    assert "holds no colon" in found(judge(named))[f"{WAY}.nodeName"]
    for passing in (cluster, dual(cluster)):
        assert judge(edited(passing, spec__onPremises__nodeName="IP")).errors == []


@pytest.mark.parameter(f"{NETWORK}.ipsPerNode", f"{WAY}.kubeletExtraArgs")
def test_max_pods_follows_the_addresses_of_a_node(cluster: Json) -> None:
    def number(document: Json) -> int | None:
        wanted = ClusterSpec.model_validate(document["spec"]).on_premises
        assert wanted is not None
        return max_pods(wanted)

    assert number(cluster) is None, "kubelet's own default stays where none is given"
    assert number(with_network(cluster, ipsPerNode=64)) == 64
    assert number(with_network(cluster, plugin="Calico")) is None
    assert number(with_network(cluster, plugin="Custom", ipsPerNode=64)) is None
    own = edited(cluster, spec__onPremises__kubeletExtraArgs={"max-pods": "300"})
    assert number(own) == 300
    path = f"{WAY}.kubeletExtraArgs[max-pods]"
    told = [notice.message for notice in judge(own).notices if notice.path == path]
    assert any("more than the 256 that are recommended" in text for text in told)
    assert any("more than the 256 addresses of one node" in text for text in told)
    assert "recommended" in noticed(judge(with_network(cluster, ipsPerNode=512)))[f"{NETWORK}.ipsPerNode"]


GATE = {"apiVersion": "cluster.alauda.io/v1alpha1", "kind": "FeatureGate", "metadata": {"name": "cri-docker"}}


@pytest.mark.parameter(f"{WAY}.runtime.type")
def test_docker_is_only_to_be_had_behind_its_gate(cluster: Json) -> None:
    docker = edited(cluster, spec__onPremises__runtime={"type": "Docker"})
    path = f"{WAY}.runtime.type"
    message = found(judge(docker, platform=True))[path]
    assert "kubectl patch featuregate cri-docker" in message and '{"spec":{"enabled":true}}' in message
    assert "FeatureGate cri-docker" in noticed(judge(docker))[path], "a file can't tell"
    assert path in found(judge(docker, {**GATE, "spec": {"enabled": False}}))
    assert judge(docker, {**GATE, "spec": {"enabled": True}}).errors == []


def test_a_closed_gate_stops_no_running_cluster(cluster: Json) -> None:
    """Whoever closes it is told who uses it; the cluster itself is only warned of."""
    docker = edited(
        cluster,
        spec__onPremises__runtime={"type": "Docker"},
        status={"conditions": [{"type": "ControlPlaneInitialized", "status": "True"}]},
    )
    closed = {**GATE, "spec": {"enabled": False}}
    verdict = judge(docker, docker, closed)
    assert verdict.errors == []
    assert "goes on with Docker as it is" in noticed(verdict)[f"{WAY}.runtime.type"]
    world = MemoryWorld.of([docker], platform=True)
    told = validate(
        "FeatureGate", {**closed, "apiVersion": cluster["apiVersion"]}, {**GATE, "spec": {"enabled": True}}, world
    )
    assert told.errors == []
    assert "default/demo use what cri-docker opens and go on" in noticed(told)["spec.enabled"]


@pytest.mark.parameter(f"{WAY}.dockerExtraArgs")
@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ({"--debug": "true"}, "without dashes: debug"),
        ({"data-root": "/data"}, "runtime.dataDirectory"),
        ({"log-opts": "{}"}, "runtime.logMaxSize"),
        ({"exec-opts": "[]"}, "agree with kubelet"),
        ({"registry-mirrors": "[x"}, "begins like JSON"),
    ],
)
def test_docker_settings(cluster: Json, pairs: Json, words: str) -> None:
    docker = edited(cluster, spec__onPremises__runtime={"type": "Docker"}, spec__onPremises__dockerExtraArgs=pairs)
    errors = judge(docker).errors
    assert len(errors) == 1
    assert errors[0].path.startswith(f"{WAY}.dockerExtraArgs") and words in errors[0].message


@pytest.mark.parameter(f"{WAY}.dockerExtraArgs")
def test_docker_settings_are_none_of_containerd(cluster: Json) -> None:
    given = {"debug": "true", "registry-mirrors": '["https://mirror.example.com"]'}
    with_containerd = edited(cluster, spec__onPremises__dockerExtraArgs=given)
    assert "only for runtime Docker" in found(judge(with_containerd))[f"{WAY}.dockerExtraArgs"]
    with_docker = edited(with_containerd, spec__onPremises__runtime={"type": "Docker"})
    assert judge(with_docker).errors == []


@pytest.mark.parameter(f"{WAY}.runtime.dataDirectory", f"{WAY}.runtime.logMaxSize", f"{WAY}.runtime.logMaxFiles")
@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("dataDirectory", "data/containerd", "absolute path"),
        ("dataDirectory", "/data/$(x)", "absolute path"),
        ("dataDirectory", "/data/../etc", "is written as /etc"),
        ("dataDirectory", "/data/", "is written as /data"),
        ("dataDirectory", "/etc/containerd", "the system's own"),
        ("dataDirectory", "/tmp/x", "the system's own"),
        ("dataDirectory", "/var/lib", "kubelet, etcd or roost"),
        ("dataDirectory", "/var/lib/kubelet/x", "kubelet, etcd or roost"),
        ("logMaxSize", "100m", "Ki, Mi or Gi"),
        ("logMaxSize", "0Mi", "Ki, Mi or Gi"),
        ("logMaxFiles", 1, "at least 2"),
    ],
)
def test_runtime(cluster: Json, field: str, value: object, words: str) -> None:
    wish = edited(cluster, **{f"spec__onPremises__runtime__{field}": value})
    assert words in found(judge(wish))[f"{WAY}.runtime.{field}"]


@pytest.mark.parameter(f"{WAY}.runtime.dataDirectory")
@pytest.mark.parametrize("text", ["/data/containerd", "/var/lib/containerd", "/mnt/disk1"])
def test_data_directories_that_pass(cluster: Json, text: str) -> None:
    assert judge(edited(cluster, spec__onPremises__runtime__dataDirectory=text)).errors == []


PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
REGISTRY = f"{WAY}.registry"


@pytest.mark.parameter(f"{REGISTRY}.type", f"{REGISTRY}.address", f"{REGISTRY}.credential.name", f"{REGISTRY}.ca")
@pytest.mark.parametrize(
    ("wish", "path", "words"),
    [
        ({"type": "Private"}, "address", "required with type Private"),
        ({"type": "Private", "address": "https://r.example.com/x"}, "address", "such as r.example.com/x"),
        ({"type": "Private", "address": "user@r.example.com"}, "address", "without https:// and user"),
        ({"type": "Private", "address": "r.example.com:70000"}, "address", "such as registry.example.com"),
        ({"address": "r.example.com/path"}, "address", "is not the address of a registry"),
        ({"credential": {"name": "x"}}, "credential", "not for type BuiltIn"),
        ({"type": "Public", "address": "r.example.com"}, "address", "not for type Public"),
        ({"type": "Private", "address": "r.example.com", "ca": "x"}, "ca", "BEGIN CERTIFICATE"),
        ({"type": "Private", "address": "r.example.com", "ca": "PRIVATE KEY"}, "ca", "holds a private key"),
        ({"type": "Public"}, "type", "not uploaded yet"),
    ],
)
def test_registry(cluster: Json, wish: Json, path: str, words: str) -> None:
    assert (
        words in found(judge(edited(cluster, spec__onPremises__registry=wish), platform=True))[f"{REGISTRY}.{path}"]
    )


@pytest.mark.parameter(f"{REGISTRY}.type", f"{REGISTRY}.address", f"{REGISTRY}.credential.name", f"{REGISTRY}.ca")
@pytest.mark.parametrize(
    "wish",
    [
        {"type": "Private", "address": "r.example.com:5000/k8s/v1", "ca": PEM},
        {"type": "Private", "address": "[fd00::1]:5000"},
        {"address": "registry.example.com"},
    ],
)
def test_registries_that_pass(cluster: Json, wish: Json) -> None:
    assert judge(edited(cluster, spec__onPremises__registry=wish), platform=True).errors == []


@pytest.mark.parameter(f"{REGISTRY}.type")
def test_public_once_the_file_is_uploaded(cluster: Json) -> None:
    credential = {
        "kind": "CloudCredential",
        "metadata": {"name": "public-registry-credential", "namespace": "roost-system"},
        "status": {"valid": True},
    }
    public = edited(cluster, spec__onPremises__registry={"type": "Public"})
    assert judge(public, credential, platform=True).errors == []
    assert "the uploaded file" in noticed(judge(public))[f"{REGISTRY}.type"]


@pytest.mark.parameter(f"{REGISTRY}.credential.name")
def test_the_secret_of_a_private_registry(cluster: Json, secret: Json) -> None:
    wish = {"type": "Private", "address": "r.example.com", "credential": {"name": "ssh"}}
    errors = found(judge(edited(cluster, spec__onPremises__registry=wish), secret))
    assert "kubernetes.io/dockerconfigjson" in errors[f"{REGISTRY}.credential.name"]


@pytest.mark.parameter("Machine:spec.allowApps", "Machine:spec.roles", "Machine:spec.labels", "Machine:spec.taints")
@pytest.mark.parametrize(
    ("role", "fields", "path", "words"),
    [
        ("Worker", {"allowApps": True}, "spec.allowApps", "a worker takes workload anyway"),
        ("ControlPlane", {"roles": ["infra"]}, "spec.roles[0]", "only for workers"),
        ("Worker", {"roles": ["master"]}, "spec.roles[0]", "write role ControlPlane"),
        ("Worker", {"roles": ["infra", "infra"]}, "spec.roles[1]", "stands there twice"),
        ("Worker", {"roles": ["In_fra"]}, "spec.roles[0]", "DNS label"),
        (
            "Worker",
            {"labels": {"node-role.kubernetes.io/log": ""}},
            "spec.labels[node-role.kubernetes.io/log]",
            "log",
        ),
        ("Worker", {"labels": {"kubernetes.io/hostname": "x"}}, "spec.labels[kubernetes.io/hostname]", "kubelet"),
        ("Worker", {"labels": {"a b": "x"}}, "spec.labels[a b]", "is not a key"),
        ("Worker", {"labels": {"zone": "a b"}}, "spec.labels.zone", "is not a value"),
        (
            "Worker",
            {"taints": [{"key": "node-role.kubernetes.io/master", "effect": "NoSchedule"}]},
            "spec.taints[0].key",
            "set allowApps instead",
        ),
        (
            "Worker",
            {"roles": ["infra"], "taints": [{"key": "node-role.kubernetes.io/infra", "effect": "NoExecute"}]},
            "spec.taints[0].effect",
            "write NoSchedule",
        ),
        (
            "Worker",
            {"taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "value": "b", "effect": "NoSchedule"}]},
            "spec.taints[1]",
            "one taint for each key and effect",
        ),
        ("Worker", {"taints": [{"key": "a", "effect": "Maybe"}]}, "spec.taints[0].effect", "must be one of"),
        (
            "Worker",
            {"taints": [{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}]},
            "spec.taints[0].key",
            "take another key",
        ),
    ],
)
def test_what_a_machine_declares(machine: Make, role: str, fields: Json, path: str, words: str) -> None:
    wish = machine("n", "192.168.10.12", role, **{f"spec__{name}": value for name, value in fields.items()})
    assert words in found(judge(wish))[path]


def test_declarations_that_pass(machine: Make) -> None:
    taint = {"key": "node-role.kubernetes.io/infra", "value": "reserved", "effect": "NoSchedule"}
    wish = machine(
        "n", "192.168.10.12", spec__roles=["infra", "worker"], spec__taints=[taint], spec__labels={"a": ""}
    )
    assert judge(wish).errors == []
    foreign = edited(wish, spec__roles=["log"])
    assert "taints for the role infra" in noticed(judge(foreign))["spec.taints[0].key"]
    plane = machine("p", "192.168.10.11", "ControlPlane", spec__allowApps=True)
    assert judge(plane).errors == []


MONITORING = f"{WAY}.monitoring"


@pytest.mark.parameter(
    f"{MONITORING}.type", f"{MONITORING}.deployment", f"{MONITORING}.linkedCluster", f"{MONITORING}.machines"
)
@pytest.mark.parametrize(
    ("wish", "path", "words"),
    [
        ({"deployment": "Full"}, "deployment", "only for VictoriaMetrics"),
        ({"linkedCluster": {"name": "x"}}, "linkedCluster", "with AgentOnly"),
        ({"type": "VictoriaMetrics", "linkedCluster": {"name": "x"}}, "linkedCluster", "with AgentOnly"),
        ({"type": "VictoriaMetrics", "deployment": "AgentOnly"}, "linkedCluster", "is required"),
        (
            {"type": "VictoriaMetrics", "deployment": "AgentOnly", "linkedCluster": {"name": "demo"}},
            "linkedCluster",
            "this Cluster itself",
        ),
        (
            {"type": "VictoriaMetrics", "deployment": "AgentOnly", "linkedCluster": {"name": "gone"}},
            "linkedCluster",
            "there is no Cluster gone",
        ),
        (
            {"type": "VictoriaMetrics", "deployment": "AgentOnly", "linkedCluster": {"name": "plain"}},
            "linkedCluster",
            "has no full VictoriaMetrics",
        ),
        ({"machines": ["p1"]}, "machines[0]", "takes no workload"),
        ({"machines": ["w1", "w1"]}, "machines[1]", "stands there twice"),
        ({"machines": ["w9"]}, "machines[0]", "no Machine w9"),
    ],
)
def test_monitoring(cluster: Json, machine: Make, wish: Json, path: str, words: str) -> None:
    machines = [machine("p1", "192.168.10.11", "ControlPlane"), machine("w1", "192.168.10.12")]
    plain = edited(cluster, metadata__name="plain")
    world = MemoryWorld.of([*machines, plain], releases=["1.31.4"], complete=True, secrets_complete=True)
    verdict = validate("Cluster", edited(cluster, spec__onPremises__monitoring=wish), None, world)
    assert words in found(verdict)[f"{MONITORING}.{path}"]


def test_monitoring_that_passes(cluster: Json, machine: Make) -> None:
    full = edited(
        cluster, metadata__name="full", spec__onPremises__monitoring={"type": "VictoriaMetrics", "deployment": "Full"}
    )
    linked = {"type": "VictoriaMetrics", "deployment": "AgentOnly", "linkedCluster": {"name": "full"}}
    assert judge(edited(cluster, spec__onPremises__monitoring=linked), full).errors == []
    plane = machine("p1", "192.168.10.11", "ControlPlane", spec__allowApps=True)
    verdict = judge(edited(cluster, spec__onPremises__monitoring={"machines": ["p1", "w1"]}), plane)
    assert verdict.errors == []
    assert "a worker keeps monitoring" in noticed(verdict)[f"{MONITORING}.machines[0]"]
    assert "no Machine w1" in noticed(verdict)[f"{MONITORING}.machines[1]"]


@pytest.mark.parameter("spec.annotations")
@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("a b", "x", "is not a key"),
        ("cluster.alauda.io/id", "x", "take another key"),
        ("cpaas.io/platform-url", "http://platform.example.com", "is not an https URL"),
        ("cpaas.io/platform-url", "https://user:x@platform.example.com", "is not an https URL"),
    ],
)
def test_annotations(cluster: Json, key: str, value: str, words: str) -> None:
    assert words in found(judge(edited(cluster, spec__annotations={key: value})))[f"spec.annotations[{key}]"]


def test_annotations_that_pass(cluster: Json) -> None:
    given = {"cpaas.io/platform-url": "https://platform.example.com:8443/x", "team": "shop"}
    assert judge(edited(cluster, spec__annotations=given)).errors == []


@pytest.mark.parameter("spec.annotations")
@pytest.mark.parametrize(
    ("url", "addresses", "words"),
    [
        ("https://platform.example.com", ["platform.example.com:443"], None),
        ("https://Platform.example.com:8443/x", ["192.0.2.1:7447", "platform.example.com:8443"], None),
        ("https://[fd00::1]:7447", ["[fd00::1]:7447"], None),
        ("https://platform.example.com", None, None),
        ("https://platform.example.com", ["192.0.2.1:7447"], "roost address add platform.example.com:443"),
        ("https://192.0.2.1:7448", ["192.0.2.1:7447"], "(https://192.0.2.1:7447)"),
        ("https://192.0.2.1:7447", [], "listens on loopback only"),
    ],
)
def test_the_platforms_url_is_one_of_the_gateways_addresses(
    cluster: Json, url: str, addresses: list[str] | None, words: str | None
) -> None:
    """`addresses`: as the gateway writes them on the Cluster global; None: not known (a file alone)."""
    platform: Json = {
        "kind": "Cluster",
        "metadata": {"name": "global", "namespace": "roost-system"},
        "spec": {"global": {}},
        "status": {} if addresses is None else {"addresses": addresses},
    }
    verdict = judge(edited(cluster, spec__annotations={"cpaas.io/platform-url": url}), platform)
    assert verdict.errors == []
    told = noticed(verdict).get("spec.annotations[cpaas.io/platform-url]")
    assert told is None if words is None else words in (told or "")


@pytest.mark.parameter("spec.project")
def test_a_cluster_joins_its_project_later(cluster: Json) -> None:
    wish = edited(cluster, spec__project="shop")
    verdict = judge(wish, {"kind": "Project", "metadata": {"name": "shop"}}, platform=True)
    assert verdict.errors == []
    assert "once it is Available" in noticed(verdict)["spec.project"]
    assert any("there is no Project shop" in text for text in judge(wish, platform=True).warnings)


@pytest.mark.parameter(
    f"{WAY}.controlPlaneEndpoint.host",
    f"{WAY}.controlPlaneEndpoint.selfBuiltVIP.address",
    f"{WAY}.controlPlaneEndpoint.selfBuiltVIP.virtualRouterID",
    f"{WAY}.controlPlaneEndpoint.externalAccess.host",
)
@pytest.mark.parametrize(
    ("endpoint", "path", "words"),
    [
        ({"host": "fd00:10::11"}, "host", "of the other family"),
        (
            {"host": "192.168.10.100", "selfBuiltVIP": {"virtualRouterID": 0}},
            "selfBuiltVIP.virtualRouterID",
            "least 1",
        ),
        ({"host": "192.168.10.100", "selfBuiltVIP": {}}, "selfBuiltVIP.virtualRouterID", "is required"),
        ({"host": "api.example.com", "selfBuiltVIP": {"virtualRouterID": 7}}, "selfBuiltVIP.address", "is required"),
        (
            {"host": "192.168.10.100", "externalAccess": {"host": "10.16.0.1"}},
            "externalAccess.host",
            "lies in podCIDR",
        ),
    ],
)
def test_endpoint(cluster: Json, endpoint: Json, path: str, words: str) -> None:
    wish = edited(cluster, spec__onPremises__controlPlaneEndpoint=endpoint)
    assert words in found(judge(wish))[f"{WAY}.controlPlaneEndpoint.{path}"]


def test_every_error_has_chinese_words(cluster: Json) -> None:
    wish: dict[str, Any] = {"type": "Private", "address": "https://r/x"}
    for error in judge(edited(cluster, spec__onPremises__registry=wish)).errors:
        assert any("\u4e00" <= char <= "\u9fff" for char in error.text("zh"))
