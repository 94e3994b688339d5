"""The checks that need more than one machine, or a machine and the cluster's networks. Pure.

Called by preflight/run.py with all machines of the cluster that could be looked at.
"""

from __future__ import annotations

import ipaddress
import re
import statistics
from collections.abc import Iterator, Sequence
from typing import Final

from roost.api.v1alpha1.cluster import NodeNameSource
from roost.providers.onprem import families, layout
from roost.providers.onprem.preflight.machine import Subject
from roost.providers.onprem.preflight.report import Finding

SKEW_MOST: Final = 30.0
"""Seconds; certificates are valid from the minute they are made, and etcd warns far earlier."""
_NODE_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_POD_DEVICES: Final = ("cni", "flannel", "veth", "kube-")
"""Devices of the cluster itself: their routes lie within its own networks."""


def node_names(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Valid as a Node's name, and each once."""
    if not subjects:
        return
    by_name = layout.on_premises(subjects[0].spec).node_name is NodeNameSource.HOSTNAME
    seen: dict[str, str] = {}
    for subject in subjects:
        hostname = subject.found.node.hostname
        name = layout.node_name(subject.spec, subject.machine, hostname)
        if not _NODE_NAME.fullmatch(name) or len(name) > 253:
            yield subject.error(
                "HostnameInvalid",
                f"the host name {hostname!r} can't be the name of a Node",
                "allowed: lower case letters, digits, '-' and '.'",
                "Run `hostnamectl set-hostname NAME`, or set spec.onPremises.nodeName to IP",
            )
        elif name in seen and by_name:
            yield subject.error(
                "HostnameDuplicate",
                f"the host name {hostname} is also that of {seen[name]}",
                f"both would be the Node {name}",
                "Run `hostnamectl set-hostname NAME` on one of them, or set spec.onPremises.nodeName to IP",
            )
        elif name in seen:
            yield subject.error(
                "AddressDuplicate",
                f"the address {name} is also that of {seen[name]}",
                f"both would be the Node {name}",
                "Give each Machine its own spec.addresses.ipv4",
            )
        seen.setdefault(name, subject.machine.name)


def machine_ids(subjects: Sequence[Subject]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for subject in subjects:
        found = subject.found.node.machine_id
        if found and found in seen:
            yield subject.error(
                "MachineIdDuplicate",
                f"/etc/machine-id is the same as on {seen[found]}",
                f"{found}; a machine was probably copied, and Kubernetes and DHCP take both for one",
                "Run `rm /etc/machine-id && systemd-machine-id-setup` and reboot",
            )
        seen.setdefault(found, subject.machine.name)


def clocks(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Each against the median of all, so that one wrong clock does not blame the others."""
    skews = [subject.found.skew for subject in subjects if subject.found.skew is not None]
    if len(skews) < 2:
        return
    middle = statistics.median_low(skews) if len(skews) > 2 else min(skews, key=abs)
    for subject in subjects:
        if subject.found.skew is None:
            continue
        difference = subject.found.skew - middle
        if abs(difference) > SKEW_MOST:
            yield subject.error(
                "ClockSkew",
                f"the clock is {abs(difference):.0f} s {'ahead of' if difference > 0 else 'behind'} the others",
                f"at most {SKEW_MOST:.0f} s are allowed; certificates would not be valid yet or no more",
                "Set the clock and let chrony or systemd-timesyncd keep it",
            )


def networks(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Pods and Services must not get addresses that a machine uses or has a route to."""
    for subject in subjects:
        wanted = layout.on_premises(subject.spec).network
        used = [
            (own.interface, ipaddress.ip_interface(f"{own.address}/{own.prefix}").network)
            for own in subject.found.node.addresses
            if own.interface != "lo"
        ]
        routes = (*subject.found.routes, *subject.found.routes6)
        used += [(interface, _network(to)) for to, interface in routes if to != "default"]
        given = [("podCIDR", cidr) for cidr in families.split(wanted.pod_cidr)]
        given += [("serviceCIDR", cidr) for cidr in families.split(wanted.service_cidr)]
        given += [("joinCIDR", cidr) for cidr in families.split(wanted.join_cidr or "")]
        for field, cidr in given:
            network = ipaddress.ip_network(cidr)
            hits = {
                f"{other} on {interface}"
                for interface, other in used
                if other is not None
                and other.version == network.version
                and other.overlaps(network)
                and not interface.startswith(_POD_DEVICES)
            }
            if hits:
                yield subject.error(
                    "NetworkOverlap",
                    f"spec.onPremises.network.{field} {cidr} overlaps with a network of the machine",
                    ", ".join(sorted(hits)),
                    f"Choose another {field}",
                )


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None  # Such as `blackhole` or `unreachable`, which name no destination of their own.


CHECKS: Final = (node_names, machine_ids, clocks, networks)
