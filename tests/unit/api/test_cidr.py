"""Arithmetic of networks against Python's own and against kube-controller-manager's rule."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from roost.api.v1alpha1.cluster import Network
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
