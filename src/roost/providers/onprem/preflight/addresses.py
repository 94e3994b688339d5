"""The checks of a machine's addresses, routes and network devices. Pure; called by preflight/run.py."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import Final

from roost.api.errors import PermanentFailure
from roost.api.v1alpha1.cluster import NetworkPlugin, TransmitMode
from roost.providers.onprem import families, layout
from roost.providers.onprem.network import nic
from roost.providers.onprem.preflight.machine import Subject
from roost.providers.onprem.preflight.report import Finding


def declared(subject: Subject) -> Iterator[Finding]:
    """Each address of the Machine is on one of its devices, whether the cluster uses its family or not."""
    node = subject.found.node
    for text in families.declared(subject.machine):
        family = ipaddress.ip_address(text).version
        field = f"spec.addresses.ipv{family}"
        if ipaddress.ip_address(text).is_link_local:
            yield subject.error(
                "AddressLinkLocal",
                f"{field} {text} is a link-local address, which no other machine can reach",
                "link-local addresses count on their own link alone",
                f"Write the machine's own IPv{family} address into {field}",
            )
        elif node.addresses and text not in {own.address for own in node.addresses}:
            seen = ", ".join(
                f"{own.address} ({own.interface})"
                for own in node.addresses
                if own.interface != "lo"
                and ipaddress.ip_address(own.address).version == family
                and not ipaddress.ip_address(own.address).is_link_local
            )
            yield subject.error(
                "AddressNotOnMachine",
                f"{field} {text} is on no network device of the machine",
                f"it has {seen or f'no IPv{family} address'}",
                f"Correct {field}; an address behind NAT goes to spec.ssh.address",
            )
    try:
        families.addresses(subject.spec, subject.machine)
    except PermanentFailure as error:
        yield subject.error("AddressMissing", error.message.removeprefix(f"{subject.machine.name} "), "", "")


def routes(subject: Subject) -> Iterator[Finding]:
    """kube-proxy's Services are reached through the default route of their family."""
    found = subject.found
    for family in families.families(subject.spec):
        has = bool(found.node.default_interface) if family == 4 else any(to == "default" for to, _ in found.routes6)
        if not has:
            yield subject.error(
                "DefaultRouteMissing",
                f"the machine has no IPv{family} default route, without which kube-proxy's Services are unreachable",
                f"`ip -{family} route show default` prints nothing",
                "Add a default route",
            )
    if 6 in families.families(subject.spec) and found.advertised:
        yield subject.warning(
            "RouteAdvertised",
            "the IPv6 default route comes by router advertisement, which Linux ignores once it forwards packets, "
            "as Kubernetes needs it to",
            f"`ip -6 route show default` says proto ra on {found.advertised}",
            f"Set net.ipv6.conf.{found.advertised}.accept_ra to 2, or configure the route by hand",
        )


def devices(subject: Subject) -> Iterator[Finding]:
    """The network device that the plugin is to use exists; for an underlay it carries nothing else."""
    wanted = layout.on_premises(subject.spec).network
    chosen = nic.chosen(subject.spec, subject.machine)
    present = sorted({own.interface for own in subject.found.node.addresses} | set(subject.found.links))
    if subject.machine.spec.nic is not None and wanted.plugin is not NetworkPlugin.KUBE_OVN:
        yield subject.warning(
            "DeviceWithoutEffect",
            f"spec.nic {subject.machine.spec.nic} has no effect: {wanted.plugin} uses the cluster's device",
            "",
            "Remove spec.nic from the Machine, or set spec.onPremises.network.nic",
        )
    if chosen is None:
        return
    if present and chosen not in present:
        yield subject.error(
            "DeviceMissing",
            f"the network device {chosen}, which {wanted.plugin} is to use, does not exist",
            f"the machine has {', '.join(name for name in present if name != 'lo') or 'none'}",
            "Correct spec.nic of the Machine or spec.onPremises.network.nic",
        )
        return
    if not nic.is_usual(chosen):
        yield subject.warning(
            "DeviceNameUnusual",
            f"the name of the network device {chosen} is none of those that monitoring collects traffic of",
            "it collects eth.*, en.*, wl.* and ww.*",
            "Add the name to the monitoring's list of devices",
        )
    if wanted.transmit_mode is TransmitMode.UNDERLAY:
        yield from _underlay(subject, chosen, present)


def _underlay(subject: Subject, chosen: str, present: list[str]) -> Iterator[Finding]:
    node = subject.found.node
    physical = [name for name in present if name != "lo"]
    if len(physical) < 2:
        yield subject.error(
            "DeviceAlone",
            "an underlay needs a second network device, which it takes for itself",
            f"the machine has {', '.join(physical) or 'none'}",
            "Add a network device, or use transmitMode Overlay",
        )
        return
    ssh = subject.machine.spec.ssh.address or ""
    busy = {own.interface for own in node.addresses if own.address in {ssh, *families.declared(subject.machine)}}
    leaving = {node.default_interface, *(device for to, device in subject.found.routes6 if to == "default")}
    if chosen in busy or chosen in leaving:
        why = "SSH and the other machines come in by it" if chosen in busy else "the default route goes out by it"
        yield subject.error(
            "DeviceInUse",
            f"the underlay can't take the network device {chosen}",
            why,
            "Choose another device in spec.nic of the Machine or spec.onPremises.network.nic",
        )


CHECKS: Final[tuple[Callable[[Subject], Iterator[Finding]], ...]] = (declared, routes, devices)
