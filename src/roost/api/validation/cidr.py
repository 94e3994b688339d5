"""Arithmetic of networks: parsing with a hint, sizes, and how many nodes fit. Pure; used by rules and the docs.

kube-controller-manager cuts the Pod network into one part per node: with a part of length m in a
network of length n there are 2^(m-n) parts, and m-n is at most 16 (its nodeipam's limit). An IPv4 part
is just large enough for ipsPerNode; IPv6 networks mostly hold far more than 2^16 such parts, and then
the parts grow.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from roost.api.v1alpha1.onpremises import IPFamily
from roost.api.validation.findings import FieldError, error
from roost.api.validation.texts import LINK_LOCAL, LOOPBACK, MULTICAST, RESERVED, UNSPECIFIED, Term

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Version = Literal[4, 6]

MOST_PARTS_LOG2: Final = 16
DEFAULT_PER_NODE: Final = 256
"""What Flannel and kube-controller-manager take when ipsPerNode is not given (a /24)."""
SERVICE_BITS: Final = (4, 20)
"""Host bits of the Service network: cluster DNS takes the tenth address, kube-apiserver at most 2^20."""
VERSIONS: Final[dict[IPFamily, tuple[Version, ...]]] = {
    IPFamily.IPV4: (4,),
    IPFamily.IPV6: (6,),
    IPFamily.DUAL_STACK: (4, 6),
}
"""In dual stack IPv4 comes first everywhere: kubeadm and kubelet take the first of a pair for the primary."""

_SPECIAL: Final[tuple[tuple[Network, Term], ...]] = (
    (ipaddress.ip_network("127.0.0.0/8"), LOOPBACK),
    (ipaddress.ip_network("169.254.0.0/16"), LINK_LOCAL),
    (ipaddress.ip_network("224.0.0.0/4"), MULTICAST),
    (ipaddress.ip_network("0.0.0.0/32"), UNSPECIFIED),
    (ipaddress.ip_network("::/127"), LOOPBACK),
    (ipaddress.ip_network("::ffff:0:0/96"), RESERVED),
    (ipaddress.ip_network("fe80::/10"), LINK_LOCAL),
    (ipaddress.ip_network("ff00::/8"), MULTICAST),
)
_CANDIDATES: Final[dict[int, tuple[str, ...]]] = {
    4: ("10.16.0.0/16", "10.112.0.0/12", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    6: ("fd00:10:16::/48", "fd00:10:112::/48", "fd00:10::/32", "fd00:20::/32"),
}


def parse_network(text: str, path: str, *, example: str) -> tuple[Network | None, list[FieldError]]:
    """The network, or why the text is none and what to write."""
    try:
        address, _, length = text.partition("/")
        if not length.isascii() or not length.isdigit() or (len(length) > 1 and length.startswith("0")):
            raise ValueError(text)
        if "%" in text:
            raise ValueError(text)
        network = ipaddress.ip_network((ipaddress.ip_address(address), int(length)), strict=False)
        own = network.network_address == ipaddress.ip_address(address)
    except ValueError:
        return None, [error("cidr.form", path, given=text, right=example)]
    if not own:
        return None, [error("cidr.host", path, given=text, right=network)]
    for special, what in _SPECIAL:
        if overlap(network, special):
            return None, [error("cidr.special", path, given=text, what=what, right=example)]
    return network, []


def parse_family(
    text: str, path: str, family: IPFamily, examples: Sequence[str]
) -> tuple[list[Network], list[FieldError]]:
    """One network, or in dual stack an IPv4 and an IPv6 one with a comma between. `examples`: IPv4, IPv6."""
    wanted = VERSIONS[family]
    by_version = dict(zip((4, 6), examples, strict=True))
    right = ",".join(by_version[version] for version in wanted)
    parts = text.split(",")
    if len(parts) != len(wanted):
        key = "cidr.pair" if family is IPFamily.DUAL_STACK else "cidr.single"
        return [], [error(key, path, given=text, family=family.value, right=right)]
    found: list[Network] = []
    for part, version in zip(parts, wanted, strict=True):
        network, errors = parse_network(part, path, example=by_version[version])
        if network is None:
            return [], errors
        if network.version != version:
            key = "cidr.order" if family is IPFamily.DUAL_STACK else "cidr.family"
            return [], [error(key, path, given=text, family=family.value, right=right)]
        found.append(network)
    return found, []


def overlap(one: Network, other: Network) -> bool:
    """Whether two networks share an address; networks of different families share none."""
    if isinstance(one, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and one.overlaps(other)
    return isinstance(other, ipaddress.IPv6Network) and one.overlaps(other)


def holds(network: Network, address: Address) -> bool:
    return network.version == address.version and address in network


def per_node_prefix(per_node: int, bits: int = 32) -> int:
    """Length of a part that is just large enough; `per_node` is a power of two."""
    return bits - (per_node.bit_length() - 1)


def part_prefix(pods: Network, per_node: int) -> int:
    """Length of one node's part of this Pod network."""
    exact = per_node_prefix(per_node, pods.max_prefixlen)
    return exact if pods.version == 4 else min(exact, pods.prefixlen + MOST_PARTS_LOG2)


def max_nodes(pods: Network, per_node: int) -> int:
    """How many nodes get a part of the Pod network; 0 when none does."""
    bits = part_prefix(pods, per_node) - pods.prefixlen
    return 2**bits if 0 <= bits <= MOST_PARTS_LOG2 else 0


def is_power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0


def powers_around(number: int) -> tuple[int, int]:
    """The powers of two below and above."""
    lower = 1 << (number.bit_length() - 1)
    return lower, lower * 2


def apart_from(taken: Iterable[Network], prefix: int, version: int = 4) -> Network:
    """A private network of that length which overlaps none of the taken ones: what the messages propose."""
    busy = list(taken)
    for candidate in map(ipaddress.ip_network, _CANDIDATES[version]):
        if candidate.prefixlen > prefix:
            continue
        for count, part in enumerate(_parts(candidate, prefix)):
            if count > 512:
                break
            if not any(overlap(part, other) for other in busy):
                return part
    fallback = f"10.0.0.0/{max(prefix, 8)}" if version == 4 else f"fd00::/{max(prefix, 8)}"
    return ipaddress.ip_network(fallback, strict=False)


def _parts(network: Network, prefix: int) -> Iterator[Network]:
    """As `subnets`, but without a list; an IPv6 network has more parts than memory holds."""
    size = 1 << (network.max_prefixlen - prefix)
    start, end = int(network.network_address), int(network.broadcast_address)
    for first in range(start, end + 1, size):
        address = ipaddress.IPv4Address(first) if network.version == 4 else ipaddress.IPv6Address(first)
        yield ipaddress.ip_network((address, prefix))


def special_address(address: Address) -> Term | None:
    """Why no other machine can reach an address, or None."""
    if address.version == 6 and (address.ipv4_mapped is not None or address.scope_id is not None):
        return RESERVED
    if address.is_loopback:
        return LOOPBACK
    if address.is_unspecified:
        return UNSPECIFIED
    if address.is_link_local:
        return LINK_LOCAL
    if address.is_multicast:
        return MULTICAST
    if address.version == 4 and (
        address == ipaddress.IPv4Address("255.255.255.255") or address in ipaddress.IPv4Network("0.0.0.0/8")
    ):
        return RESERVED
    return None


def around(address: Address) -> Network:
    """The network that an address probably stands in: a /24, or a /64."""
    if isinstance(address, ipaddress.IPv4Address):
        return ipaddress.IPv4Network((address, 24), strict=False)
    return ipaddress.IPv6Network((int(address), 64), strict=False)
