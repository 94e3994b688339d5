"""Rules of each network plugin: which fields it knows, and what they have to agree with. Called by network.py."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Final

from roost.api.v1alpha1.onpremises import Network, NetworkPlugin, TransmitMode
from roost.api.validation import cidr
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.hosts import parse_address
from roost.api.validation.shape import join
from roost.api.validation.texts import Term
from roost.api.validation.world import KnownMachine

PATH: Final = "spec.onPremises.network"
WATCHED_DEVICES: Final = re.compile(r"(eth|en|wl|ww).*")
"""Names whose traffic the platform's monitoring counts by itself."""
CALICO_BLOCK: Final = {4: 26, 6: 122}
"""Calico gives addresses out in blocks of this length; each node takes at least one."""

_OVERLAY: Final = Term("KubeOVN with transmitMode Overlay", "transmitMode 为 Overlay 的 KubeOVN")
_UNDERLAY: Final = Term("KubeOVN with transmitMode Underlay", "transmitMode 为 Underlay 的 KubeOVN")
_KUBE_OVN: Final = Term("KubeOVN", "KubeOVN")
_SHARED_OUT: Final = Term("Flannel and Custom", "Flannel 和 Custom")


def is_underlay(network: Network) -> bool:
    return network.plugin is NetworkPlugin.KUBE_OVN and network.transmit_mode is TransmitMode.UNDERLAY


def check_plugin(network: Network, pods: Sequence[cidr.Network], machines: Sequence[KnownMachine]) -> Verdict:
    """`pods`: the networks of podCIDR, without those that can't be read."""
    verdict = Verdict(_out_of_place(network))
    verdict += device(network.nic, f"{PATH}.nic")
    if is_underlay(network):
        verdict += Verdict([*_underlay(network, pods)])
    if network.plugin is NetworkPlugin.CUSTOM and network.nic is not None:
        verdict += Verdict(notices=[error("nic.custom", f"{PATH}.nic", given=network.nic)])
    if network.plugin is NetworkPlugin.CALICO:
        verdict += Verdict(_calico(pods, len(machines)))
    if network.plugin is NetworkPlugin.KUBE_OVN and pods:
        verdict += Verdict(_kube_ovn(network, pods, len(machines)))
    return verdict


def device(name: str | None, path: str) -> Verdict:
    """A network device by name: what can't be meant, and what monitoring does not see."""
    if name is None:
        return Verdict()
    if name == "lo":
        return Verdict([error("nic.loopback", path, given=name)])
    if not WATCHED_DEVICES.fullmatch(name):
        return Verdict(notices=[error("nic.unwatched", path, given=name)])
    return Verdict()


def _out_of_place(network: Network) -> list[FieldError]:
    """Fields that another plugin or mode knows."""
    kube_ovn = network.plugin is NetworkPlugin.KUBE_OVN
    underlay = is_underlay(network)
    given: Mapping[str, tuple[bool, bool, Term]] = {
        "transmitMode": (network.transmit_mode is not None, kube_ovn, _KUBE_OVN),
        "joinCIDR": (network.join_cidr is not None, kube_ovn and not underlay, _OVERLAY),
        "gateway": (network.gateway is not None, underlay, _UNDERLAY),
        "vlanID": (network.vlan_id is not None, underlay, _UNDERLAY),
        "reservedIPs": (bool(network.reserved_ips), underlay, _UNDERLAY),
        "ipsPerNode": (
            network.ips_per_node is not None,
            network.plugin in {NetworkPlugin.FLANNEL, NetworkPlugin.CUSTOM},
            _SHARED_OUT,
        ),
    }
    return [
        error("plugin.field", f"{PATH}.{field}", "FieldValueForbidden", right=right)
        for field, (present, fits, right) in given.items()
        if present and not fits
    ]


def _underlay(network: Network, pods: Sequence[cidr.Network]) -> list[FieldError]:
    errors: list[FieldError] = []
    if network.nic is None:
        errors.append(error("underlay.nic", f"{PATH}.nic", "FieldValueRequired"))
    if network.gateway is None:
        errors.append(error("underlay.gateway", f"{PATH}.gateway", "FieldValueRequired", given=network.pod_cidr))
    elif pods:
        errors += _gateway(network.gateway, pods)
    if pods:
        for number, text in enumerate(network.reserved_ips):
            errors += _reserved(text, join(PATH, "reservedIPs", number), pods)
    return errors


def _gateway(text: str, pods: Sequence[cidr.Network]) -> list[FieldError]:
    path = f"{PATH}.gateway"
    given = text.split(",")
    right = ",".join(str(part.network_address + 1) for part in pods)
    addresses = [parse_address(part) for part in given]
    if len(given) != len(pods) or any(address is None for address in addresses):
        return [error("gateway.form", path, given=text, right=right)]
    for address, part in zip(addresses, pods, strict=True):
        if address is None or not cidr.holds(part, address) or address in _ends(part):
            return [error("gateway.outside", path, given=text, other=part, right=right)]
    return []


def _ends(part: cidr.Network) -> tuple[cidr.Address, ...]:
    """Addresses that no device can have."""
    return (part.network_address, part.broadcast_address) if part.version == 4 else (part.network_address,)


def _reserved(text: str, path: str, pods: Sequence[cidr.Network]) -> list[FieldError]:
    first_text, dots, last_text = text.partition("..")
    first = parse_address(first_text)
    last = parse_address(last_text) if dots else first
    from_here = pods[0].network_address + 2
    one, many = str(from_here), f"{from_here}..{from_here + 7}"
    example = Term(f"{one} or {many}", f"{one} 或 {many}")
    if first is None or last is None or first.version != last.version:
        return [error("reserved.form", path, given=text, right=example)]
    if int(first) > int(last):
        return [error("reserved.order", path, given=text, right=f"{last}..{first}")]
    if not any(cidr.holds(part, first) and cidr.holds(part, last) for part in pods):
        return [error("reserved.outside", path, given=text, other=", ".join(map(str, pods)), right=example)]
    return []


def _calico(pods: Sequence[cidr.Network], machines: int) -> list[FieldError]:
    for part in pods:
        block = CALICO_BLOCK[part.version]
        if part.prefixlen > block:
            return [error("calico.small", f"{PATH}.podCIDR", given=part, right=block)]
        blocks = 1 << (block - part.prefixlen)
        if machines > blocks:
            return [error("calico.blocks", f"{PATH}.podCIDR", given=part, blocks=blocks, machines=machines)]
    return []


def _kube_ovn(network: Network, pods: Sequence[cidr.Network], machines: int) -> list[FieldError]:
    """Each node takes an address of the join network, besides its ends and the gateway."""
    if network.join_cidr is not None:
        for text in network.join_cidr.split(","):
            part, _ = cidr.parse_network(text, "", example=text)
            if part is not None and part.num_addresses - 3 < max(machines, 1):
                facts = {"addresses": part.num_addresses, "machines": max(machines, 1)}
                return [error("join.small", f"{PATH}.joinCIDR", "FieldValueInvalid", given=part, **facts)]
    for part in pods:
        if isinstance(part, ipaddress.IPv4Network) and part.num_addresses < 16:
            return [error("pod.tiny", f"{PATH}.podCIDR", given=part)]
    return []
