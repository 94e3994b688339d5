"""The checks of a self-built VIP and of several control planes' endpoint. Pure.

Called by the provider with the machines that are new; what needs the cluster's own state (whether it exists) is
given to it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from roost.api.v1alpha1.cluster import ClusterSpec
from roost.api.v1alpha1.machine import Role
from roost.bundle import vipimage
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context
from roost.providers.onprem.preflight.machine import Subject
from roost.providers.onprem.preflight.report import Finding
from roost.providers.onprem.vip import address
from roost.providers.onprem.vip.address import COMPONENT_PORTS, Virtual


def findings(ctx: Context, subjects: Sequence[Subject], *, exists: bool) -> list[Finding]:
    """`exists`: a control plane is there, so that the address is held rightly."""
    virtual = address.wanted(ctx.spec)
    if virtual is None:
        return []
    found: list[Finding] = []
    for subject in subjects:
        if subject.machine.spec.role is Role.CONTROL_PLANE:
            found += _image(ctx, subject)
            found += _subnet(subject, virtual)
            found += _ports(subject)
        found += _own(subject, virtual)
        found += _resolved(ctx, subject, virtual)
        if not exists and not subject.ours:
            found += _taken(subject, virtual)
    return found


def _image(ctx: Context, subject: Subject) -> Iterator[Finding]:
    names = {image.name for image in ctx.bundle.images_for(subject.found.node.architecture)}
    if vipimage.name() not in names:
        yield subject.error(
            "VirtualImageMissing",
            f"the release bundle of {ctx.spec.version} lacks the image of the self-built VIP for this machine",
            f"{vipimage.name()} for {subject.found.node.architecture}",
            f"Add it to the bundle: roost bundle create --kubernetes {ctx.spec.version}",
        )


def _subnet(subject: Subject, virtual: Virtual) -> Iterator[Finding]:
    """An address of another network would be announced where nobody asks for it."""
    wanted = ipaddress.ip_address(virtual.address)
    own = [each for each in subject.found.node.addresses if each.address == subject.machine.spec.addresses.primary]
    networks = [ipaddress.ip_interface(f"{each.address}/{each.prefix}").network for each in own]
    if networks and not any(wanted in network for network in networks):
        yield subject.error(
            "VirtualAddressOutside",
            f"the virtual address {virtual.address} is not in the subnet of this control plane",
            f"{subject.machine.spec.addresses.primary} is in {', '.join(map(str, networks))}",
            "Take a free address of the subnet that all control planes share, or a load balancer",
        )


def _ports(subject: Subject) -> Iterator[Finding]:
    """haproxy listens on these ports of the virtual address, which a listener on every address makes impossible."""
    for listener in subject.found.node.listeners:
        everywhere = listener.address == "*" or ipaddress.ip_address(listener.address).is_unspecified
        if listener.protocol == "tcp" and listener.port in COMPONENT_PORTS and everywhere:
            yield subject.error(
                "PortTaken",
                f"port {listener.port}, which haproxy needs on the virtual address, is in use on every address",
                f"by {listener.process or 'a process that the kernel does not name'}",
                "Let that program listen on the machine's own address alone, or stop it",
            )


def is_name(spec: ClusterSpec) -> bool:
    """Whether the endpoint's host is a name."""
    try:
        ipaddress.ip_address(layout.on_premises(spec).control_plane_endpoint.host)
    except ValueError:
        return True
    return False


def _resolved(ctx: Context, subject: Subject, virtual: Virtual) -> Iterator[Finding]:
    """A name that is not known at all is told by machine.reachability."""
    seen = subject.found.resolved
    if is_name(ctx.spec) and seen:
        host = layout.on_premises(ctx.spec).control_plane_endpoint.host
        yield from named(virtual, host, seen, subject.machine.name, by="this machine")


def named(virtual: Virtual, host: str, seen: Sequence[str], machine: str, *, by: str) -> Iterator[Finding]:
    """`seen`: the addresses of the endpoint's name, as `by` resolves it."""
    where = f"spec.onPremises.controlPlaneEndpoint.host {host}"
    if not seen:
        yield Finding(
            machine,
            "EndpointNotResolved",
            f"{by} can't resolve the name of {where}",
            f"it must give the virtual address {virtual.address}",
            "Add the name to DNS, or to /etc/hosts of every machine and of the platform",
        )
    elif set(seen) != {virtual.address}:
        yield Finding(
            machine,
            "EndpointNameDiffers",
            f"{where} does not resolve to the virtual address {virtual.address}",
            f"{by} gets {', '.join(seen)}",
            "Let the name give the virtual address alone, in DNS and /etc/hosts, or correct selfBuiltVIP.address",
        )


def _own(subject: Subject, virtual: Virtual) -> Iterator[Finding]:
    for each in subject.found.node.addresses:
        if each.address == virtual.address and not subject.ours:
            yield subject.error(
                "VirtualAddressTaken",
                f"the virtual address {virtual.address} is this machine's own",
                f"it is on {each.interface}",
                "Take an address that no machine has",
            )


def _taken(subject: Subject, virtual: Virtual) -> Iterator[Finding]:
    """Before the cluster exists nobody may answer there: neither with a connection nor by refusing one."""
    said = subject.found.reach.get("endpoint")
    if said in ("open", "refused"):
        yield subject.error(
            "VirtualAddressTaken",
            f"something has the virtual address {virtual.address} already",
            f"a connection to port {virtual.port} is {said} from this machine",
            "Take an address that nothing on the network uses",
        )
