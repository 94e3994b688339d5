"""Calico and Kube-OVN: typed patches of manifests with upstream's kinds, names and variables, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from roost.api.errors import PermanentFailure
from roost.api.v1alpha1.cluster import Network
from roost.providers.onprem.network import calico, kubeovn, nic, patching
from tests.unit.onprem import made

FOLDER = Path(__file__).parents[2] / "fixtures" / "networks"
CALICO, KUBE_OVN = (FOLDER / "calico.yaml").read_bytes(), (FOLDER / "kube-ovn.yaml").read_bytes()
API = ("192.0.2.1", 6443)
DUAL = ["10.16.0.0/16", "fd00:16::/64"]
MASTERS = ["10.200.0.11", "10.200.0.12", "10.200.0.13"]


def named(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    return next(item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name)


def environment(objects: list[dict[str, Any]], kind: str, name: str, container: str) -> dict[str, str]:
    env = patching.container(named(objects, kind, name), container)["env"]
    return {item["name"]: item["value"] for item in env}


def node(**choices: Any) -> dict[str, str]:
    objects = calico.objects(CALICO, api=API, **choices)
    return environment(objects, "DaemonSet", "calico-node", "calico-node")


def ipam(cidrs: list[str]) -> dict[str, str]:
    config = named(calico.objects(CALICO, pod_cidrs=cidrs, api=API), "ConfigMap", "calico-config")["data"]
    text = cast("str", config["cni_network_config"])
    assert '"mtu": __CNI_MTU__' in text, "Calico fills it in"
    return json.loads(text.replace("__CNI_MTU__", "0"))["plugins"][0]["ipam"]


@pytest.mark.parameter("spec.onPremises.network.plugin", "spec.onPremises.network.podCIDR")
def test_calico_has_the_pool_of_the_cluster() -> None:
    found = node(pod_cidrs=["10.16.0.0/16"])
    assert found["CALICO_IPV4POOL_CIDR"] == "10.16.0.0/16"
    assert found["IP_AUTODETECTION_METHOD"] == "kubernetes-internal-ip"
    assert (found["FELIX_IPV6SUPPORT"], found["CALICO_IPV4POOL_IPIP"]) == ("false", "Always")
    assert "CALICO_IPV6POOL_CIDR" not in found
    assert ipam(["10.16.0.0/16"]) == {"type": "calico-ipam"}


@pytest.mark.parameter("spec.onPremises.network.ipFamily")
def test_calico_knows_the_families() -> None:
    both = node(pod_cidrs=DUAL)
    assert (both["CALICO_IPV4POOL_CIDR"], both["CALICO_IPV6POOL_CIDR"]) == tuple(DUAL)
    assert (both["IP6"], both["FELIX_IPV6SUPPORT"]) == ("autodetect", "true")
    assert ipam(DUAL) == {"type": "calico-ipam", "assign_ipv4": "true", "assign_ipv6": "true"}
    six = node(pod_cidrs=DUAL[1:])
    assert (six["IP"], six["CALICO_ROUTER_ID"]) == ("none", "hash")
    assert "CALICO_IPV4POOL_CIDR" not in six
    assert ipam(DUAL[1:])["assign_ipv4"] == "false"


@pytest.mark.parameter("spec.onPremises.network.nic")
def test_calico_takes_the_clusters_device() -> None:
    found = node(pod_cidrs=DUAL, nic="eth1")
    assert found["IP_AUTODETECTION_METHOD"] == found["IP6_AUTODETECTION_METHOD"] == "interface=eth1"


def test_calico_reaches_the_api_without_kube_proxy() -> None:
    endpoint = named(calico.objects(CALICO, pod_cidrs=DUAL, api=API), "ConfigMap", "kubernetes-services-endpoint")
    assert endpoint["data"] == {"KUBERNETES_SERVICE_HOST": "192.0.2.1", "KUBERNETES_SERVICE_PORT": "6443"}


def network(**choices: Any) -> Network:
    return Network.model_validate({"plugin": "KubeOVN", "podCIDR": "10.16.0.0/16", **choices})


def controller(**choices: Any) -> dict[str, str]:
    objects = kubeovn.objects(KUBE_OVN, network(**choices), masters=MASTERS)
    args = patching.container(named(objects, "Deployment", "kube-ovn-controller"), "kube-ovn-controller")["args"]
    assert args[0] == "/kube-ovn/start-controller.sh", "what is no flag keeps its place"
    pairs = [argument.removeprefix("--").partition("=") for argument in args[1:]]
    assert len({name for name, _, _ in pairs}) == len(pairs), "each flag stands once"
    return {name: value for name, _, value in pairs}


@pytest.mark.parameter("spec.onPremises.network.transmitMode", "spec.onPremises.network.joinCIDR")
def test_an_overlay_has_the_default_subnet_and_the_join_network() -> None:
    found = controller(joinCIDR="100.65.0.0/16")
    assert (found["default-cidr"], found["default-gateway"]) == ("10.16.0.0/16", "10.16.0.1")
    assert (found["node-switch-cidr"], found["network-type"]) == ("100.65.0.0/16", "geneve")
    assert (found["service-cluster-ip-range"], found["default-exclude-ips"]) == ("10.112.0.0/12", "")
    assert found["enable-lb"] == "true", "what nobody chose stays as upstream has it"
    assert controller()["node-switch-cidr"] == "100.64.0.0/16"


@pytest.mark.parameter(
    "spec.onPremises.network.gateway", "spec.onPremises.network.vlanID", "spec.onPremises.network.reservedIPs"
)
def test_an_underlay_has_the_physical_networks_values() -> None:
    found = controller(
        transmitMode="Underlay", nic="eth1", gateway="10.16.0.254", vlanID=0,
        reservedIPs=["10.16.0.2", "10.16.0.10..10.16.0.20"],
    )  # fmt: skip
    assert found["network-type"] == "vlan"
    assert (found["default-interface-name"], found["default-vlan-id"]) == ("eth1", "0")
    assert found["default-gateway"] == "10.16.0.254"
    assert found["default-exclude-ips"] == "10.16.0.2,10.16.0.10..10.16.0.20"
    assert found["default-logical-gateway"] == "false"


def test_dual_stack_gives_pairs() -> None:
    found = controller(ipFamily="DualStack", podCIDR=",".join(DUAL), serviceCIDR="10.96.0.0/12,fd00:96::/112")
    assert found["default-gateway"] == "10.16.0.1,fd00:16::1"
    assert found["node-switch-cidr"] == "100.64.0.0/16,fd00:100:64::/112"
    assert found["service-cluster-ip-range"] == "10.96.0.0/12,fd00:96::/112"


def test_the_databases_are_on_the_control_planes() -> None:
    objects = kubeovn.objects(KUBE_OVN, network(), masters=MASTERS)
    central = named(objects, "Deployment", "ovn-central")
    assert central["spec"]["replicas"] == 3
    told = ",".join(MASTERS)
    assert environment(objects, "Deployment", "ovn-central", "ovn-central")["NODE_IPS"] == told
    assert environment(objects, "DaemonSet", "ovs-ovn", "openvswitch")["OVN_DB_IPS"] == told
    assert environment(objects, "Deployment", "kube-ovn-controller", "kube-ovn-controller")["OVN_DB_IPS"] == told


def device(**choices: Any) -> str:
    objects = kubeovn.objects(KUBE_OVN, network(**choices), masters=MASTERS)
    args = patching.container(named(objects, "DaemonSet", "kube-ovn-cni"), "cni-server")["args"]
    return next(argument for argument in args if argument.startswith("--iface="))


def test_an_overlays_tunnels_use_the_clusters_device() -> None:
    assert device(nic="eth1") == "--iface=eth1"
    assert device() == "--iface="
    assert device(nic="eth1", transmitMode="Underlay", gateway="10.16.0.1") == "--iface="


@pytest.mark.parametrize(
    ("plugin", "mode", "cluster", "machine", "used"),
    [
        ("Flannel", None, "eth1", "eth2", "eth1"),
        ("Flannel", None, None, "eth2", None),
        ("Calico", None, "eth1", "eth2", "eth1"),
        ("KubeOVN", None, "eth1", "eth2", "eth2"),
        ("KubeOVN", None, "eth1", None, "eth1"),
        ("KubeOVN", None, None, None, None),
        ("KubeOVN", "Underlay", "eth1", "eth2", "eth2"),
        ("KubeOVN", "Underlay", "eth1", None, "eth1"),
        ("Custom", None, "eth1", "eth2", None),
    ],
)
@pytest.mark.parameter("spec.onPremises.network.nic", "Machine:spec.nic")
def test_the_order_of_devices_is_that_of_the_form(
    plugin: str, mode: str | None, cluster: str | None, machine: str | None, used: str | None
) -> None:
    wanted = made.spec(network={"plugin": plugin, "transmitMode": mode, "nic": cluster})
    one = made.W1.spec.model_copy(update={"nic": machine})
    assert nic.chosen(wanted, made.MachineInput("w1", one, made.W1.target)) == used


@pytest.mark.parametrize("name", ["calico", "kube-ovn"])
def test_nothing_that_is_not_patched_differs_from_upstream(name: str) -> None:
    manifest = (FOLDER / f"{name}.yaml").read_bytes()
    before = [item for item in yaml.safe_load_all(manifest) if item]
    after = (
        calico.objects(manifest, pod_cidrs=DUAL, api=API)[1:]
        if name == "calico"
        else kubeovn.objects(manifest, network(), masters=MASTERS)
    )
    patched = {"calico-config", "calico-node", "ovn-central", "ovs-ovn", "kube-ovn-controller", "kube-ovn-cni"}
    assert [item["kind"] for item in after] == [item["kind"] for item in before]
    for old, new in zip(before, after, strict=True):
        if old["metadata"]["name"] not in patched:
            assert new == old


@pytest.mark.parametrize("cut", [b"calico-config", b"cni_network_config", b"calico-ipam", b"containers"])
def test_a_manifest_of_calico_of_another_shape_is_refused(cut: bytes) -> None:
    with pytest.raises(PermanentFailure, match="Calico") as caught:
        calico.objects(CALICO.replace(cut, b"other"), pod_cidrs=DUAL, api=API)
    assert caught.value.reason == "ManifestUnknown"


@pytest.mark.parametrize("cut", [b"kube-ovn-controller", b"cni-server", b"ovn-central", b"args", b"replicas"])
def test_a_manifest_of_kube_ovn_of_another_shape_is_refused(cut: bytes) -> None:
    with pytest.raises(PermanentFailure, match="Kube-OVN") as caught:
        kubeovn.objects(KUBE_OVN.replace(cut, b"other"), network(), masters=MASTERS)
    assert caught.value.reason == "ManifestUnknown"
