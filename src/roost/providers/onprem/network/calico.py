"""Calico: the upstream manifest calico.yaml with pools, families and network device as typed patches. Pure.

Names and variables are those of upstream's ConfigMap calico-config and DaemonSet calico-node. Called by
plugins.py once the API answers.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from typing import Any, Final

from roost.providers.onprem.network import patching
from roost.providers.onprem.network.patching import Document

NAMESPACE: Final = "kube-system"
DAEMON_SET: Final = "calico-node"
CONFIG_MAP: Final = "calico-config"
ENDPOINT: Final = "kubernetes-services-endpoint"
"""A ConfigMap that calico-node reads where it exists: the API, without going through a Service."""
_CONTAINER: Final = "calico-node"
_NUMBERS: Final = '"mtu": __CNI_MTU__'
"""The one place of cni_network_config that is no JSON before Calico fills it in."""


def objects(
    manifest: bytes, *, pod_cidrs: Sequence[str], api: tuple[str, int], nic: str | None = None
) -> list[Document]:
    """The objects to apply; `api`: host and port. Raises PermanentFailure for a manifest of an unknown shape."""
    loaded = patching.load("Calico", manifest)
    by_family = {ipaddress.ip_network(cidr).version: cidr for cidr in pod_cidrs}
    loaded.patch("ConfigMap", CONFIG_MAP, lambda item: _set_ipam(item, by_family))
    loaded.patch("DaemonSet", DAEMON_SET, lambda item: _set_node(item, by_family, nic))
    host, port = api
    endpoint: Document = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": ENDPOINT, "namespace": NAMESPACE},
        "data": {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(port)},
    }
    return [endpoint, *loaded.documents]


def _set_ipam(config: Document, by_family: dict[int, str]) -> None:
    """Which families Pods get addresses of."""
    text = config["data"]["cni_network_config"]
    quoted = text.replace(_NUMBERS, '"mtu": "__CNI_MTU__"')
    network: dict[str, Any] = json.loads(quoted)
    plugin = next(item for item in network["plugins"] if item["type"] == "calico")
    if plugin["ipam"]["type"] != "calico-ipam":
        raise ValueError(f"its IPAM is {plugin['ipam']['type']}")
    if set(by_family) != {4}:
        plugin["ipam"] |= {"assign_ipv4": str(4 in by_family).lower(), "assign_ipv6": "true"}
    made = json.dumps(network, indent=2)
    config["data"]["cni_network_config"] = made.replace('"mtu": "__CNI_MTU__"', _NUMBERS)


def _set_node(daemon: Document, by_family: dict[int, str], nic: str | None) -> None:
    # Without a device: the one that has the address by which the nodes know each other.
    method = f"interface={nic}" if nic else "kubernetes-internal-ip"
    values = {"FELIX_IPV6SUPPORT": str(6 in by_family).lower()}
    if 4 in by_family:
        values |= {"IP": "autodetect", "IP_AUTODETECTION_METHOD": method, "CALICO_IPV4POOL_CIDR": by_family[4]}
    else:
        # Without an IPv4 address the router's number has to come from the node's name.
        values |= {"IP": "none", "CALICO_ROUTER_ID": "hash"}
    if 6 in by_family:
        values |= {
            "IP6": "autodetect",
            "IP6_AUTODETECTION_METHOD": method,
            "CALICO_IPV6POOL_CIDR": by_family[6],
            "CALICO_IPV6POOL_NAT_OUTGOING": "true",
        }
    patching.set_environment(patching.container(daemon, _CONTAINER), values)
