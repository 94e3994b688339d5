"""Rules for the container network of a Cluster: form, family, size, and that nothing overlaps anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from roost.api.v1alpha1.onpremises import Network as NetworkSpec
from roost.api.v1alpha1.onpremises import NetworkPlugin, OnPremises, TransmitMode
from roost.api.validation import cidr
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.hosts import is_dns_name, parse_address
from roost.api.validation.plugins import check_plugin
from roost.api.validation.texts import JOIN_CIDR, POD_CIDR, SERVICE_CIDR, Term
from roost.api.validation.world import KnownMachine

PATH: Final = "spec.onPremises.network"
EXAMPLES: Final = {
    "podCIDR": ("10.16.0.0/16", "fd00:10:16::/48"),
    "serviceCIDR": ("10.112.0.0/12", "fd00:10:112::/108"),
    "joinCIDR": ("100.64.0.0/16", "fd00:100:64::/112"),
}
"""IPv4 and IPv6; those of joinCIDR are what Kube-OVN takes when none is given."""
_WORDS: Final = {"podCIDR": POD_CIDR, "serviceCIDR": SERVICE_CIDR, "joinCIDR": JOIN_CIDR}


@dataclass(frozen=True)
class Part:
    """One network of the cluster."""

    field: str
    network: cidr.Network

    @property
    def path(self) -> str:
        return f"{PATH}.{self.field}"


def check_network(wanted: OnPremises, machines: Sequence[KnownMachine]) -> Verdict:
    """`machines`: those of this Cluster that are not being deleted."""
    network = wanted.network
    parts, errors = networks(network)
    verdict = Verdict(errors)
    pods = [part for part in parts if part.field == "podCIDR"]
    power = _power(network)
    if power:
        verdict += Verdict(power)
    elif pods:
        verdict += _pod_size(network, pods, len(machines))
    for part in parts:
        if part.field == "serviceCIDR":
            verdict += Verdict(_service_size(part))
    verdict += Verdict(_overlaps(parts, wanted, machines))
    if not is_dns_name(network.dns_domain):
        verdict += Verdict([error("domain.form", f"{PATH}.dnsDomain", given=network.dns_domain)])
    return verdict + check_plugin(network, [part.network for part in pods], machines)


def networks(network: NetworkSpec) -> tuple[list[Part], list[FieldError]]:
    """Every network that the cluster takes, Kube-OVN's own default included, and what is wrong with them."""
    texts = {"podCIDR": network.pod_cidr, "serviceCIDR": network.service_cidr, "joinCIDR": join_cidr(network)}
    parts: list[Part] = []
    errors: list[FieldError] = []
    for field, text in texts.items():
        if text is None:
            continue
        found, wrong = cidr.parse_family(text, f"{PATH}.{field}", network.ip_family, EXAMPLES[field])
        errors += wrong
        parts += [Part(field, one) for one in found]
    return parts, errors


def join_cidr(network: NetworkSpec) -> str | None:
    """What stands there, or what Kube-OVN takes by itself; None where there is no such network."""
    overlay = network.plugin is NetworkPlugin.KUBE_OVN and network.transmit_mode is not TransmitMode.UNDERLAY
    if network.join_cidr is not None or not overlay:
        return network.join_cidr
    by_version = dict(zip((4, 6), EXAMPLES["joinCIDR"], strict=True))
    return ",".join(by_version[version] for version in cidr.VERSIONS[network.ip_family])


def per_node(network: NetworkSpec) -> int | None:
    """Addresses of one node's part; None where the network plugin divides the network itself."""
    if network.plugin is NetworkPlugin.FLANNEL:
        return network.ips_per_node or cidr.DEFAULT_PER_NODE
    return network.ips_per_node if network.plugin is NetworkPlugin.CUSTOM else None


def room(network: NetworkSpec) -> int | None:
    """How many nodes fit; None where that is not known."""
    each = per_node(network)
    if each is None or not cidr.is_power_of_two(each):
        return None
    pods, errors = cidr.parse_family(network.pod_cidr, "", network.ip_family, EXAMPLES["podCIDR"])
    return None if errors else min(cidr.max_nodes(one, each) for one in pods)


def inside(text: str, wanted: OnPremises) -> tuple[Term, str] | None:
    """In which network of the Cluster an address lies, if in any."""
    address = parse_address(text)
    if address is None:
        return None
    for part in networks(wanted.network)[0]:
        if cidr.holds(part.network, address):
            return _WORDS[part.field], str(part.network)
    return None


def _power(network: NetworkSpec) -> list[FieldError]:
    each = network.ips_per_node
    if each is None or cidr.is_power_of_two(each):
        return []
    lower, upper = cidr.powers_around(each)
    return [error("ips.power", f"{PATH}.ipsPerNode", given=each, lower=lower, upper=min(upper, 4096))]


def _pod_size(network: NetworkSpec, pods: Sequence[Part], machines: int) -> Verdict:
    each = per_node(network)
    if each is None:
        return Verdict()
    path = pods[0].path
    for part in pods:
        longest = cidr.part_prefix(part.network, each)
        if part.network.prefixlen > longest:
            facts = {"addresses": part.network.num_addresses, "per_node": each, "right": longest}
            return Verdict([error("pod.small", path, "FieldValueInvalid", given=part.network, **facts)])
        if longest - part.network.prefixlen > cidr.MOST_PARTS_LOG2:
            right = longest - cidr.MOST_PARTS_LOG2
            return Verdict([error("pod.large", path, given=part.network, per_node=each, right=right)])
    limit = min(cidr.max_nodes(part.network, each) for part in pods)
    given = network.pod_cidr
    if machines > limit:
        return Verdict([error("nodes.fit", path, given=given, per_node=each, limit=limit, machines=machines)])
    return Verdict(notices=[error("nodes.room", path, given=given, per_node=each, limit=limit)])


def _service_size(part: Part) -> list[FieldError]:
    fewest, most = cidr.SERVICE_BITS
    bits = part.network.max_prefixlen
    if part.network.prefixlen > bits - fewest:
        return [error("service.small", part.path, given=part.network, right=bits - fewest)]
    if part.network.prefixlen < bits - most:
        return [error("service.large", part.path, given=part.network, right=bits - most)]
    return []


def _overlaps(parts: Sequence[Part], wanted: OnPremises, machines: Sequence[KnownMachine]) -> list[FieldError]:
    """Networks against those before them, and against every address that must be reached beside them."""
    around = _around(wanted, machines)
    errors: list[FieldError] = []
    for number, part in enumerate(parts):
        taken = [other.network for other in parts if other is not part]
        right = cidr.apart_from([*taken, *around], part.network.prefixlen, part.network.version)
        for other in parts[:number]:
            if cidr.overlap(part.network, other.network):
                facts = {"what": _WORDS[other.field], "other": other.network, "right": right}
                errors.append(error("cidr.overlap", part.path, "FieldValueInvalid", given=part.network, **facts))
        errors += _holds(part, machines, right)
    return errors


def _holds(part: Part, machines: Sequence[KnownMachine], right: cidr.Network) -> list[FieldError]:
    """The first machine whose address lies in the network; one is enough to see what is wrong."""
    for machine in machines:
        for text in machine.addresses:
            address = parse_address(text)
            if address is not None and cidr.holds(part.network, address):
                what = Term(f"the address of Machine {machine.name},", f"机器 {machine.name} 的地址 ")
                return [error("cidr.holds", part.path, given=part.network, what=what, other=text, right=right)]
    return []


def _around(wanted: OnPremises, machines: Sequence[KnownMachine]) -> list[cidr.Network]:
    """The addresses that a proposal must avoid, each with its neighbourhood."""
    texts = [
        wanted.control_plane_endpoint.host,
        *(address for machine in machines for address in machine.addresses),
    ]
    addresses = [address for text in texts if (address := parse_address(text)) is not None]
    return [cidr.around(address) for address in addresses]
