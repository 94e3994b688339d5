"""What the self-built VIP of a cluster is: its address, port, and who takes part. Pure.

Read by phases and preflight.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from roost.api.v1alpha1.cluster import ClusterSpec
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context, MachineInput

COMPONENT_PORTS: Final = (11780, 11781)
"""Traffic of the platform's components; forwarded to every control plane, also while nothing listens."""


@dataclass(frozen=True)
class Virtual:
    """The virtual address, as the spec wants it."""

    address: str
    port: int
    router: int
    """VRID."""

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.address

    @property
    def ports(self) -> tuple[int, ...]:
        return (self.port, *COMPONENT_PORTS)


def wanted(spec: ClusterSpec) -> Virtual | None:
    """None: the cluster has an endpoint of another kind."""
    endpoint = layout.on_premises(spec).control_plane_endpoint
    vip = endpoint.self_built_vip
    if vip is None:
        return None
    return Virtual(str(ipaddress.ip_address(vip.address or endpoint.host)), endpoint.port, vip.virtual_router_id)


@dataclass(frozen=True)
class Peer:
    """A control plane behind the address."""

    name: str
    address: str


def peers(ctx: Context) -> tuple[Peer, ...]:
    """All control planes that stay, in the order in which they join: the first holds the address first."""
    return peers_of(layout.control_planes(ctx))


def peers_of(machines: Sequence[MachineInput]) -> tuple[Peer, ...]:
    return tuple(Peer(machine.name, machine.spec.addresses.primary) for machine in machines)
