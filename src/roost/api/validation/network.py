"""Rules for the container network of a Cluster, alone and against its machines and endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from roost.api.v1alpha1.cluster import Network as NetworkSpec
from roost.api.v1alpha1.cluster import NetworkPlugin, OnPremises
from roost.api.validation import cidr
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.hosts import is_dns_name, parse_address
from roost.api.validation.texts import POD_CIDR, SERVICE_CIDR, Term
from roost.api.validation.world import KnownMachine

PATH: Final = "spec.onPremises.network"
POD_EXAMPLE: Final = "10.16.0.0/16"
SERVICE_EXAMPLE: Final = "10.112.0.0/12"


def check_network(wanted: OnPremises, machines: Sequence[KnownMachine]) -> Verdict:
    """`machines`: those of this Cluster that are not being deleted."""
    network = wanted.network
    pods, errors = cidr.parse_network(network.pod_cidr, f"{PATH}.podCIDR", example=POD_EXAMPLE)
    services, more = cidr.parse_network(network.service_cidr, f"{PATH}.serviceCIDR", example=SERVICE_EXAMPLE)
    errors += more
    notices: list[FieldError] = []
    if network.ips_per_node is not None and not cidr.is_power_of_two(network.ips_per_node):
        lower, upper = cidr.powers_around(network.ips_per_node)
        errors.append(
            error("ips.power", f"{PATH}.ipsPerNode", given=network.ips_per_node, lower=lower, upper=min(upper, 4096))
        )
    elif pods is not None:
        sizes = _pod_size(network, pods, len(machines))
        errors += sizes.errors
        notices += sizes.notices
    if services is not None:
        errors += _service_size(services)
    taken = [part for part in (pods, services) if part is not None]
    if pods is not None and services is not None and pods.overlaps(services):
        errors.append(
            error(
                "cidr.overlap", f"{PATH}.serviceCIDR", given=services, what=POD_CIDR, other=pods,
                right=cidr.apart_from([pods, *_around(wanted, machines)], services.prefixlen),
            )
        )  # fmt: skip
    for field, part in (("podCIDR", pods), ("serviceCIDR", services)):
        if part is not None:
            errors += _holds(f"{PATH}.{field}", part, machines, [*taken, *_around(wanted, machines)])
    if not is_dns_name(network.dns_domain):
        errors.append(error("domain.form", f"{PATH}.dnsDomain", given=network.dns_domain))
    return Verdict(errors, notices)


def per_node(network: NetworkSpec) -> int | None:
    """Addresses of one node's part; None where the network plugin divides the network itself."""
    if network.ips_per_node is None and network.plugin is NetworkPlugin.CUSTOM:
        return None
    return network.ips_per_node or cidr.DEFAULT_PER_NODE


def room(network: NetworkSpec) -> int | None:
    """How many nodes fit; None where that is not known."""
    each = per_node(network)
    pods, _ = cidr.parse_network(network.pod_cidr, "", example=POD_EXAMPLE)
    if each is None or pods is None or not cidr.is_power_of_two(each):
        return None
    return cidr.max_nodes(pods, each)


def inside(text: str, wanted: OnPremises) -> tuple[Term, str] | None:
    """In which network of the Cluster an address lies, if in any."""
    address = parse_address(text)
    if address is None:
        return None
    network = wanted.network
    for what, value in ((POD_CIDR, network.pod_cidr), (SERVICE_CIDR, network.service_cidr)):
        parsed, _ = cidr.parse_network(value, "", example=value)
        if parsed is not None and address in parsed:
            return what, value
    return None


def _pod_size(network: NetworkSpec, pods: cidr.Network, machines: int) -> Verdict:
    each = per_node(network)
    if each is None:
        return Verdict()
    longest = cidr.per_node_prefix(each)
    path = f"{PATH}.podCIDR"
    if pods.prefixlen > longest:
        return Verdict(
            [error("pod.small", path, given=pods, addresses=pods.num_addresses, per_node=each, right=longest)]
        )
    if longest - pods.prefixlen > cidr.MOST_PARTS_LOG2:
        right = longest - cidr.MOST_PARTS_LOG2
        return Verdict([error("pod.large", path, given=pods, per_node=each, right=right)])
    limit = cidr.max_nodes(pods, each)
    if machines > limit:
        return Verdict([error("nodes.fit", path, given=pods, per_node=each, limit=limit, machines=machines)])
    return Verdict(notices=[error("nodes.room", path, given=pods, per_node=each, limit=limit)])


def _service_size(services: cidr.Network) -> list[FieldError]:
    path = f"{PATH}.serviceCIDR"
    if services.prefixlen > cidr.LONGEST_SERVICE_PREFIX:
        return [error("service.small", path, given=services)]
    if services.prefixlen < cidr.SHORTEST_SERVICE_PREFIX:
        return [error("service.large", path, given=services)]
    return []


def _around(wanted: OnPremises, machines: Sequence[KnownMachine]) -> list[cidr.Network]:
    """The addresses that a proposal must avoid, each with its /24."""
    texts = [wanted.control_plane_endpoint.host, *(machine.ipv4 for machine in machines)]
    addresses = [address for text in texts if (address := parse_address(text)) is not None]
    return [cidr.Network((address, 24), strict=False) for address in addresses if address.version == 4]


def _holds(
    path: str, part: cidr.Network, machines: Sequence[KnownMachine], taken: list[cidr.Network]
) -> list[FieldError]:
    """The first machine whose address lies in the network; one is enough to see what is wrong."""
    for machine in machines:
        address = parse_address(machine.ipv4)
        if address is not None and address in part:
            others = [network for network in taken if network != part]
            what = Term(f"the address of Machine {machine.name},", f"机器 {machine.name} 的地址 ")
            right = cidr.apart_from(others, part.prefixlen)
            return [error("cidr.holds", path, given=part, what=what, other=machine.ipv4, right=right)]
    return []
