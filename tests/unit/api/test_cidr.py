"""Arithmetic of networks against Python's own and against kube-controller-manager's rule."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from roost.api.v1alpha1.cluster import IPFamily, Network
from roost.api.validation import cidr
from roost.api.validation.network import room

PREFIXES = st.integers(min_value=0, max_value=32)
ADDRESSES = st.integers(min_value=0, max_value=2**32 - 1)
PER_NODE = st.integers(min_value=4, max_value=12).map(lambda bits: 2**bits)


@given(ADDRESSES, PREFIXES)
def test_a_network_is_accepted_as_written_or_told_right(address: int, prefix: int) -> None:
    text = f"{ipaddress.IPv4Address(address)}/{prefix}"
    network, errors = cidr.parse_network(text, "p", example="10.16.0.0/16")
    assert (network is None) == bool(errors)
    if errors and errors[0].key == "cidr.host":
        right = str(errors[0].parameters["right"])
        assert ipaddress.IPv4Address(address) in ipaddress.IPv4Network(right)
        again, more = cidr.parse_network(right, "p", example="10.16.0.0/16")
        assert again is not None or more[0].key == "cidr.special"
    elif network is not None:
        assert str(network) == text


@given(st.text(max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    network, errors = cidr.parse_network(text, "p", example="10.16.0.0/16")
    assert (network is None) == bool(errors)


def kube_controller_manager(pods: ipaddress.IPv4Network, node_mask: int) -> int:
    """Nodes by its nodeipam: refuses a mask shorter than the cluster's and more than 16 bits between them
    (`validateSubnetMaskSize`, `clusterSubnetMaxDiff`); else it counts the parts (`getMaxCIDRs`).
    """
    if node_mask < pods.prefixlen or node_mask - pods.prefixlen > 16:
        return 0
    return 1 << (node_mask - pods.prefixlen)


@given(ADDRESSES, st.integers(min_value=8, max_value=28), PER_NODE)
def test_nodes_that_fit(address: int, prefix: int, per_node: int) -> None:
    pods = ipaddress.IPv4Network((address, prefix), strict=False)
    expected = kube_controller_manager(pods, cidr.per_node_prefix(per_node))
    assert cidr.max_nodes(pods, per_node) == expected
    if 0 < expected <= 256:
        parts = list(pods.subnets(new_prefix=cidr.per_node_prefix(per_node)))
        assert len(parts) == expected
        assert parts[0].num_addresses == per_node


def kube_controller_manager_six(pods: ipaddress.IPv6Network, node_mask: int) -> int:
    """The same two rules for IPv6; its own default mask is /64, which roost gives only where that fits."""
    if node_mask < pods.prefixlen or node_mask - pods.prefixlen > 16:
        return 0
    return 1 << (node_mask - pods.prefixlen)


SIX = st.integers(min_value=0, max_value=2**128 - 1)


@given(SIX, st.integers(min_value=8, max_value=128), PER_NODE)
def test_nodes_that_fit_in_ipv6(address: int, prefix: int, per_node: int) -> None:
    """A part is at least as large as asked, and never so small that kube-controller-manager refuses the mask."""
    pods = ipaddress.IPv6Network((address, prefix), strict=False)
    mask = cidr.part_prefix(pods, per_node)
    assert cidr.max_nodes(pods, per_node) == kube_controller_manager_six(pods, mask)
    assert 2 ** (128 - mask) >= per_node
    assert mask - pods.prefixlen <= 16


@given(ADDRESSES, PREFIXES, ADDRESSES, PREFIXES)
def test_overlap_is_symmetric_and_means_a_shared_address(one: int, long: int, other: int, short: int) -> None:
    a = ipaddress.IPv4Network((one, long), strict=False)
    b = ipaddress.IPv4Network((other, short), strict=False)
    shared = max(int(a.network_address), int(b.network_address)) <= min(
        int(a.broadcast_address), int(b.broadcast_address)
    )
    assert cidr.overlap(a, b) == cidr.overlap(b, a) == shared
    assert not cidr.overlap(a, ipaddress.IPv6Network("fd00::/8"))


@given(st.lists(st.tuples(SIX, st.integers(min_value=16, max_value=112)), max_size=4), st.integers(48, 120))
def test_an_ipv6_proposal_keeps_clear(taken: list[tuple[int, int]], prefix: int) -> None:
    networks = [ipaddress.IPv6Network(item, strict=False) for item in taken]
    proposal = cidr.apart_from(networks, prefix, 6)
    assert (proposal.version, proposal.prefixlen) == (6, prefix)
    assert proposal.is_private
    assert not any(cidr.overlap(proposal, network) for network in networks)


@given(ADDRESSES, PREFIXES, SIX, st.integers(0, 128), st.sampled_from(list(IPFamily)))
def test_a_pair_is_taken_in_its_family_alone(four: int, long: int, six: int, longer: int, family: IPFamily) -> None:
    first = ipaddress.IPv4Network((four, long), strict=False)
    second = ipaddress.IPv6Network((six, longer), strict=False)
    examples = ("10.16.0.0/16", "fd00:10:16::/48")
    for text, right in ((f"{first}", "IPv4"), (f"{second}", "IPv6"), (f"{first},{second}", "DualStack")):
        found, errors = cidr.parse_family(text, "p", family, examples)
        assert bool(found) != bool(errors)
        if family.value != right:
            assert errors and errors[0].key in {
                "cidr.single",
                "cidr.pair",
                "cidr.family",
                "cidr.order",
                "cidr.special",
            }
    assert cidr.parse_family(f"{second},{first}", "p", IPFamily.DUAL_STACK, examples)[1]


@given(st.text(max_size=60), st.sampled_from(list(IPFamily)))
def test_no_text_breaks_the_parser_of_pairs(text: str, family: IPFamily) -> None:
    found, errors = cidr.parse_family(text, "p", family, ("10.16.0.0/16", "fd00:10:16::/48"))
    assert bool(found) != bool(errors)


@given(st.integers(min_value=1, max_value=5000))
def test_powers_around(number: int) -> None:
    lower, upper = cidr.powers_around(number)
    assert lower <= number < upper
    assert cidr.is_power_of_two(lower)
    assert cidr.is_power_of_two(number) == (lower == number)


@given(st.lists(st.tuples(ADDRESSES, st.integers(min_value=12, max_value=28)), max_size=4), st.integers(12, 28))
def test_a_proposal_keeps_clear(taken: list[tuple[int, int]], prefix: int) -> None:
    networks = [ipaddress.IPv4Network(item, strict=False) for item in taken]
    proposal = cidr.apart_from(networks, prefix)
    assert proposal.prefixlen == prefix
    assert proposal.is_private
    assert not any(proposal.overlaps(network) for network in networks)


def test_room_of_a_spec() -> None:
    assert room(Network()) == 256
    assert room(Network(ips_per_node=64)) == 1024
    assert room(Network(pod_cidr="10.16.0.0/25")) == 0
    assert room(Network(pod_cidr="nonsense")) is None
