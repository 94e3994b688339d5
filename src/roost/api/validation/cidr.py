"""Arithmetic of networks: parsing with a hint, sizes, and how many nodes fit. Pure; used by rules and the docs.

kube-controller-manager cuts the Pod network into one part per node: with a part of length m in a
network of length n there are 2^(m-n) parts, and m-n is at most 16 (its nodeipam's limit).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

from roost.api.validation.findings import FieldError, error
from roost.api.validation.texts import LINK_LOCAL, LOOPBACK, MULTICAST, UNSPECIFIED, Term

Network = ipaddress.IPv4Network
Address = ipaddress.IPv4Address

MOST_PARTS_LOG2: Final = 16
DEFAULT_PER_NODE: Final = 256
"""What Flannel and kube-controller-manager take when ipsPerNode is not given (a /24)."""
LONGEST_SERVICE_PREFIX: Final = 28
SHORTEST_SERVICE_PREFIX: Final = 12

_SPECIAL: Final[tuple[tuple[Network, Term], ...]] = (
    (Network("127.0.0.0/8"), LOOPBACK),
    (Network("169.254.0.0/16"), LINK_LOCAL),
    (Network("224.0.0.0/4"), MULTICAST),
    (Network("0.0.0.0/32"), UNSPECIFIED),
)
_CANDIDATES: Final = ("10.16.0.0/16", "10.112.0.0/12", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")


def parse_network(text: str, path: str, *, example: str) -> tuple[Network | None, list[FieldError]]:
    """The network, or why the text is none and what to write."""
    try:
        address, _, length = text.partition("/")
        if ":" in text:
            ipaddress.IPv6Network(text, strict=False)
            return None, [error("cidr.ipv6", path, "FieldValueNotSupported", given=text, right=example)]
        if not length.isdigit() or (len(length) > 1 and length.startswith("0")):
            raise ValueError(text)
        network = Network((Address(address), int(length)), strict=False)
    except ValueError:
        return None, [error("cidr.form", path, given=text, right=example)]
    if str(network) != text:
        return None, [error("cidr.host", path, given=text, right=network)]
    for special, what in _SPECIAL:
        if network.overlaps(special):
            return None, [error("cidr.special", path, given=text, what=what, right=example)]
    return network, []


def per_node_prefix(per_node: int) -> int:
    """Length of one node's part; `per_node` is a power of two."""
    return 32 - (per_node.bit_length() - 1)


def max_nodes(pods: Network, per_node: int) -> int:
    """How many nodes get a part of the Pod network; 0 when none does."""
    bits = per_node_prefix(per_node) - pods.prefixlen
    return 2**bits if 0 <= bits <= MOST_PARTS_LOG2 else 0


def is_power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0


def powers_around(number: int) -> tuple[int, int]:
    """The powers of two below and above."""
    lower = 1 << (number.bit_length() - 1)
    return lower, lower * 2


def apart_from(taken: Iterable[Network], prefix: int) -> Network:
    """A private network of that length which overlaps none of the taken ones: what the messages propose."""
    busy = list(taken)
    for candidate in map(Network, _CANDIDATES):
        if candidate.prefixlen > prefix:
            continue
        for count, part in enumerate(candidate.subnets(new_prefix=prefix)):
            if count > 512:
                break
            if not any(part.overlaps(other) for other in busy):
                return part
    return Network(f"10.0.0.0/{max(prefix, 8)}", strict=False)


def special_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Term | None:
    """Why no other machine can reach an address, or None."""
    if address.is_loopback:
        return LOOPBACK
    if address.is_unspecified:
        return UNSPECIFIED
    if address.is_link_local:
        return LINK_LOCAL
    if address.is_multicast:
        return MULTICAST
    if address.version == 4 and (address == Address("255.255.255.255") or address in Network("0.0.0.0/8")):
        return Term("a reserved", "保留")
    return None
