"""flannel: the upstream manifest with the cluster's Pod network, its API and the node's own address as typed patches.

Images and everything else stay as upstream wrote them. Called by the provider once the API answers. Pure.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from typing import Final

from roost.providers.onprem.network import patching
from roost.providers.onprem.network.patching import Document

NAMESPACE: Final = "kube-flannel"
DAEMON_SET: Final = "kube-flannel-ds"
CONFIG_MAP: Final = "kube-flannel-cfg"
SUBNET: Final = "/run/flannel/subnet.env"
"""On each machine: flannel writes it when it has its part of the network; its CNI plugin fails without."""
_ADDRESS: Final = "ROOST_NODE_IP"


def objects(
    manifest: bytes, *, pod_cidrs: Sequence[str], api: tuple[str, int], nic: str | None = None
) -> list[Document]:
    """The objects to apply; `api`: host and port. Raises PermanentFailure for a manifest of an unknown shape.

    `pod_cidrs`: one, or one of each family. `nic`: the network device; None: that of the node's own address.
    """
    loaded = patching.load("flannel", manifest)
    loaded.patch("ConfigMap", CONFIG_MAP, lambda item: _set_network(item, pod_cidrs))
    loaded.patch("DaemonSet", DAEMON_SET, lambda item: _set_environment(item, *api, _device(pod_cidrs, nic)))
    return loaded.documents


def _set_network(config: Document, pod_cidrs: Sequence[str]) -> None:
    settings = json.loads(config["data"]["net-conf.json"])
    by_family = {ipaddress.ip_network(cidr).version: cidr for cidr in pod_cidrs}
    former = settings.pop("Network")
    if 4 in by_family:
        settings = {"Network": by_family[4], **settings}
    else:
        settings["EnableIPv4"] = False
    if 6 in by_family:
        settings |= {"EnableIPv6": True, "IPv6Network": by_family[6]}
    if not former:
        raise ValueError("it names no Network")
    config["data"]["net-conf.json"] = json.dumps(settings, indent=2)


def _device(pod_cidrs: Sequence[str], nic: str | None) -> str:
    """flannel's flag for the network device. In dual stack an address alone gives it the device, but no IPv6 address
    of it; a regular expression that fits the one address and any of IPv6 gives both."""
    if nic is not None:
        return f"--iface={nic}"
    if len(pod_cidrs) > 1:
        return f"--iface-regex=^($({_ADDRESS})|.*:.*)$"
    return f"--iface=$({_ADDRESS})"


def _set_environment(daemon: Document, host: str, port: int, device: str) -> None:
    """The device with the node's declared address; flannel alone takes that of the default route.

    And the API's own address: through the Service, flannel waits 30 s where it is faster than kube-proxy.
    """
    container = patching.container(daemon, "kube-flannel")
    container["args"] = [*container["args"], device]
    container["env"] = [
        *container.get("env", []),
        {"name": "KUBERNETES_SERVICE_HOST", "value": host},
        {"name": "KUBERNETES_SERVICE_PORT", "value": str(port)},
        {"name": _ADDRESS, "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}},
    ]
