"""Kube-OVN: the upstream manifest with the default subnet, its transmit mode and the OVN databases as typed patches.

Names and arguments are those of upstream's installer: Deployments ovn-central and kube-ovn-controller,
DaemonSets kube-ovn-cni and ovs-ovn. Called by plugins.py once the API answers. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final, cast

from roost.api.v1alpha1.cluster import Network, TransmitMode
from roost.api.validation.network import join_cidr
from roost.providers.onprem import families
from roost.providers.onprem.network import patching
from roost.providers.onprem.network.patching import Document

NAMESPACE: Final = "kube-system"
DAEMON_SET: Final = "kube-ovn-cni"
PROVIDER: Final = "provider"
"""The bridge network (ProviderNetwork) of an underlay's default subnet, as upstream's installer calls it."""
MASTER_LABEL: Final = ("kube-ovn/role", "master")
"""On control planes: the OVN databases run there."""
TUNNEL_ANNOTATION: Final = "ovn.kubernetes.io/tunnel_interface"
"""On a Node: the network device that an overlay uses there, where it is not the cluster's."""
_DATABASES: Final = ("NODE_IPS", "OVN_DB_IPS")
_WORKLOADS: Final = frozenset({"Deployment", "DaemonSet", "StatefulSet"})


def objects(manifest: bytes, network: Network, *, masters: Sequence[str]) -> list[Document]:
    """The objects to apply; `masters`: addresses of the control planes. Raises PermanentFailure ManifestUnknown."""
    loaded = patching.load("Kube-OVN", manifest)
    settings = arguments(network)
    loaded.patch(
        "Deployment",
        "kube-ovn-controller",
        lambda item: patching.set_arguments(patching.container(item, "kube-ovn-controller"), settings),
    )
    # For an underlay this is the device of tunnels to overlay subnets added later, which keeps upstream's choice.
    iface = network.nic if network.nic and network.transmit_mode is not TransmitMode.UNDERLAY else None
    device = {"iface": iface} if iface else {}
    services = {"service-cluster-ip-range": settings["service-cluster-ip-range"]}
    loaded.patch(
        "DaemonSet",
        DAEMON_SET,
        lambda item: patching.set_arguments(patching.container(item, "cni-server"), {**services, **device}),
    )
    loaded.patch("Deployment", "ovn-central", lambda item: _set_databases(item, len(masters)))
    for item in loaded.documents:
        if item.get("kind") in _WORKLOADS:
            _tell_databases(item, ",".join(masters))
    return loaded.documents


def arguments(network: Network) -> dict[str, str]:
    """Of kube-ovn-controller. Pairs of dual stack are written with a comma, IPv4 first."""
    pods = families.split(network.pod_cidr)
    own = {
        "default-cidr": ",".join(pods),
        "default-gateway": ",".join(_first(cidr) for cidr in pods),
        "default-exclude-ips": "",
        "node-switch-cidr": _join(network),
        "service-cluster-ip-range": ",".join(families.split(network.service_cidr)),
        "network-type": "geneve",
    }
    if network.transmit_mode is not TransmitMode.UNDERLAY:
        return own
    return {
        **own,
        "default-gateway": ",".join(families.split(network.gateway or own["default-gateway"])),
        "default-exclude-ips": ",".join(network.reserved_ips),
        "network-type": "vlan",
        "default-provider-name": PROVIDER,
        "default-interface-name": network.nic or "",
        "default-vlan-id": str(network.vlan_id or 0),
        # The gateway is a machine of the physical network, not a port of a logical router.
        "default-logical-gateway": "false",
    }


def _first(cidr: str) -> str:
    return str(ipaddress.ip_network(cidr).network_address + 1)


def _join(network: Network) -> str:
    """What the rules judged. An underlay has one too: subnets that are overlays may be added to it later."""
    return join_cidr(network.model_copy(update={"transmit_mode": TransmitMode.OVERLAY})) or ""


def _set_databases(central: Document, count: int) -> None:
    """One database on each control plane."""
    if "replicas" not in central["spec"]:
        raise ValueError("it has no replicas")
    central["spec"]["replicas"] = count


def _tell_databases(workload: Document, addresses: str) -> None:
    for kind in ("initContainers", "containers"):
        for item in cast("list[Document]", workload["spec"]["template"]["spec"].get(kind) or []):
            named = {entry["name"] for entry in cast("list[Document]", item.get("env") or [])}
            if known := named & set(_DATABASES):
                patching.set_environment(item, dict.fromkeys(known, addresses))
