"""flannel's manifest: typed patches and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from roost.api.errors import PermanentFailure
from roost.providers.onprem.network import flannel

MANIFEST = (Path(__file__).parent / "flannel.yaml").read_bytes()
API = ("192.0.2.1", 6443)


def by_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next(item for item in objects if item["kind"] == kind)


def test_the_pod_network_is_the_clusters_and_the_rest_of_the_settings_stay() -> None:
    config = by_kind(flannel.objects(MANIFEST, pod_cidrs=["10.16.0.0/16"], api=API), "ConfigMap")["data"]
    assert json.loads(config["net-conf.json"]) == {
        "Network": "10.16.0.0/16",
        "EnableNFTables": False,
        "Backend": {"Type": "vxlan"},
    }
    assert json.loads(config["cni-conf.json"]) == {"name": "cbr0"}


def test_flannel_uses_the_device_of_the_nodes_own_address() -> None:
    daemon = by_kind(flannel.objects(MANIFEST, pod_cidrs=["10.16.0.0/16"], api=API), "DaemonSet")
    container = daemon["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["--ip-masq", "--kube-subnet-mgr", "--iface=$(ROOST_NODE_IP)"]
    assert container["env"][-1] == {
        "name": "ROOST_NODE_IP",
        "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}},
    }


@pytest.mark.parametrize(
    ("cidrs", "settings"),
    [
        (["10.16.0.0/16", "fd00:16::/64"],
         {"Network": "10.16.0.0/16", "EnableIPv6": True, "IPv6Network": "fd00:16::/64"}),
        (["fd00:16::/64"], {"EnableIPv4": False, "EnableIPv6": True, "IPv6Network": "fd00:16::/64"}),
    ],
)  # fmt: skip
def test_flannel_knows_the_families(cidrs: list[str], settings: dict[str, Any]) -> None:
    config = by_kind(flannel.objects(MANIFEST, pod_cidrs=cidrs, api=API), "ConfigMap")["data"]
    assert json.loads(config["net-conf.json"]) == {
        **settings,
        "EnableNFTables": False,
        "Backend": {"Type": "vxlan"},
    }


def test_a_device_that_somebody_chose_comes_before_that_of_the_address() -> None:
    daemon = by_kind(flannel.objects(MANIFEST, pod_cidrs=["10.16.0.0/16"], api=API, nic="eth1"), "DaemonSet")
    assert daemon["spec"]["template"]["spec"]["containers"][0]["args"][-1] == "--iface=eth1"


def test_in_dual_stack_the_device_of_the_address_gives_an_address_of_ipv6_too() -> None:
    cidrs = ["10.16.0.0/16", "fd00:16::/64"]
    daemon = by_kind(flannel.objects(MANIFEST, pod_cidrs=cidrs, api=API), "DaemonSet")
    argument = daemon["spec"]["template"]["spec"]["containers"][0]["args"][-1]
    assert argument == "--iface-regex=^($(ROOST_NODE_IP)|.*:.*)$"
    expression = argument.partition("=")[2].replace("$(ROOST_NODE_IP)", "10.200.0.11")
    fits = [text for text in ("10.200.0.11", "10.200.0.110", "fd00:200::11", "eth0") if re.search(expression, text)]
    assert fits == ["10.200.0.11", "fd00:200::11"]


def test_flannel_reaches_the_api_without_kube_proxy() -> None:
    daemon = by_kind(flannel.objects(MANIFEST, pod_cidrs=["10.16.0.0/16"], api=("2001:db8::1", 7443)), "DaemonSet")
    environment = {
        item["name"]: item.get("value") for item in daemon["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    assert environment["KUBERNETES_SERVICE_HOST"] == "2001:db8::1"
    assert environment["KUBERNETES_SERVICE_PORT"] == "7443"


def test_nothing_else_differs_from_upstream() -> None:
    before = [item for item in yaml.safe_load_all(MANIFEST) if item]
    after = flannel.objects(MANIFEST, pod_cidrs=["10.16.0.0/16"], api=API)
    assert [item["kind"] for item in after] == [item["kind"] for item in before]
    assert after[0] == before[0]
    daemon = after[2]["spec"]["template"]["spec"]
    assert daemon["initContainers"] == before[2]["spec"]["template"]["spec"]["initContainers"]
    assert daemon["containers"][0]["image"] == "docker.io/flannel/flannel:v0.25.7"


@pytest.mark.parametrize("cut", [b"kube-flannel-cfg", b"kube-flannel-ds", b"net-conf.json", b"args"])
def test_a_manifest_of_another_shape_is_refused_with_what_is_missing(cut: bytes) -> None:
    with pytest.raises(PermanentFailure, match="flannel") as caught:
        flannel.objects(MANIFEST.replace(cut, b"other"), pod_cidrs=["10.16.0.0/16"], api=API)
    assert caught.value.reason == "ManifestUnknown"
