"""IP families of a cluster: which addresses of a machine count, in which order, and how networks are cut up. Pure.

Read by layout, kubeadm's configuration, network plugins and preflight. In dual stack IPv4 comes first
everywhere: kubeadm, kubelet and kube-proxy take the first of a pair for the primary family.
"""

from __future__ import annotations

import ipaddress
from typing import Final, Literal

from roost.api.errors import PermanentFailure
from roost.api.v1alpha1.cluster import ClusterSpec, IPFamily, OnPremises
from roost.providers.onprem.context import MachineInput

Family = Literal[4, 6]
DEFAULT_IPS_PER_NODE: Final = 256
MOST_PARTS_LOG2: Final = 16
"""kube-controller-manager cuts a network into at most 2^16 parts."""
_OF: Final[dict[IPFamily, tuple[Family, ...]]] = {
    IPFamily.IPV4: (4,),
    IPFamily.IPV6: (6,),
    IPFamily.DUAL_STACK: (4, 6),
}


def _wanted(spec: ClusterSpec) -> OnPremises:
    if spec.on_premises is None:
        raise PermanentFailure("SpecIncomplete", "spec.onPremises is needed to make a cluster on machines")
    return spec.on_premises


def families(spec: ClusterSpec) -> tuple[Family, ...]:
    """4 before 6."""
    return _OF[_wanted(spec).network.ip_family]


def split(text: str) -> tuple[str, ...]:
    """The networks of podCIDR or serviceCIDR: one, or a pair written with a comma."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def of_family(text: str, family: Family) -> str | None:
    """The one of the networks that has this family."""
    return next((part for part in split(text) if ipaddress.ip_network(part, strict=False).version == family), None)


def pods(spec: ClusterSpec) -> tuple[str, ...]:
    return split(_wanted(spec).network.pod_cidr)


def services(spec: ClusterSpec) -> tuple[str, ...]:
    return split(_wanted(spec).network.service_cidr)


def declared(machine: MachineInput) -> tuple[str, ...]:
    """Every address that the Machine declares, as the kernel writes it; IPv4 first."""
    given = machine.spec.addresses
    return tuple(str(ipaddress.ip_address(text)) for text in (given.ipv4, given.ipv6) if text)


def addresses(spec: ClusterSpec, machine: MachineInput) -> tuple[str, ...]:
    """The machine's addresses in the cluster's families, in their order. Raises AddressMissing where one lacks."""
    given = machine.spec.addresses
    by_family: dict[Family, str | None] = {4: given.ipv4, 6: given.ipv6}
    found: list[str] = []
    for family in families(spec):
        text = by_family[family]
        if not text:
            raise PermanentFailure(
                "AddressMissing",
                f"{machine.name} declares no IPv{family} address, which spec.onPremises.network.ipFamily "
                f"{_wanted(spec).network.ip_family} needs; write spec.addresses.ipv{family}",
            )
        found.append(str(ipaddress.ip_address(text)))
    return tuple(found)


def address(spec: ClusterSpec, machine: MachineInput) -> str:
    """The address by which the other machines know this one: that of the primary family."""
    return addresses(spec, machine)[0]


def part(cidr: str, per_node: int) -> int:
    """Prefix length of one node's part of a Pod network.

    For IPv4 just large enough for that many addresses. IPv6 networks are often far larger than 2^16 such
    parts, which is the most that kube-controller-manager cuts: then the parts grow.
    """
    network = ipaddress.ip_network(cidr, strict=False)
    exact = network.max_prefixlen - (per_node - 1).bit_length()
    if network.version == 6:
        exact = min(exact, network.prefixlen + MOST_PARTS_LOG2)
    return max(exact, network.prefixlen)


def masks(spec: ClusterSpec) -> dict[str, str]:
    """kube-controller-manager's flags for the parts: one in single stack, one for each family in dual stack."""
    wanted = _wanted(spec).network
    count = wanted.ips_per_node or DEFAULT_IPS_PER_NODE
    networks = pods(spec)
    if len(networks) == 1:
        return {"node-cidr-mask-size": str(part(networks[0], count))}
    return {
        f"node-cidr-mask-size-ipv{ipaddress.ip_network(cidr, strict=False).version}": str(part(cidr, count))
        for cidr in networks
    }
