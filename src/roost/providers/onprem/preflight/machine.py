"""The checks of one machine by itself: pure functions from what was found to findings.

`CHECKS` is the literal list; preflight/run.py goes through it. Each check yields every finding it has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from roost.api.v1alpha1.cluster import ClusterSpec
from roost.api.v1alpha1.machine import Role
from roost.providers.onprem import layout
from roost.providers.onprem.context import MachineInput
from roost.providers.onprem.preflight.look import Found
from roost.providers.onprem.preflight.report import Finding

MIB: Final = 1024 * 1024
GIB: Final = 1024 * MIB
MEMORY_LEAST: Final = {Role.CONTROL_PLANE: 1700 * MIB, Role.WORKER: 900 * MIB}
"""kubeadm's own limit for a control plane; below the worker's, kubelet and runtime leave nothing for Pods."""
PORTS: Final[dict[int, tuple[str, tuple[Role, ...]]]] = {
    6443: ("kube-apiserver", (Role.CONTROL_PLANE,)),
    2379: ("etcd", (Role.CONTROL_PLANE,)),
    2380: ("etcd", (Role.CONTROL_PLANE,)),
    10257: ("kube-controller-manager", (Role.CONTROL_PLANE,)),
    10259: ("kube-scheduler", (Role.CONTROL_PLANE,)),
    10250: ("kubelet", (Role.CONTROL_PLANE, Role.WORKER)),
    10256: ("kube-proxy", (Role.CONTROL_PLANE, Role.WORKER)),
}
KERNEL_LEAST: Final = (4, 4)
"""overlayfs as containerd needs it, and what Kubernetes itself still tests."""
_FAMILIES: Final = {"debian": "apt-get install", "rhel": "dnf install", "suse": "zypper install"}
_FAMILY_OF: Final = {
    "debian": "debian", "ubuntu": "debian", "uos": "debian", "rhel": "rhel", "centos": "rhel", "rocky": "rhel",
    "almalinux": "rhel", "ol": "rhel", "fedora": "rhel", "kylin": "rhel", "openeuler": "rhel", "openEuler": "rhel",
    "anolis": "rhel", "sles": "suse", "opensuse-leap": "suse",
}  # fmt: skip


@dataclass(frozen=True)
class Program:
    """A program of the operating system that Kubernetes calls."""

    name: str
    used_for: str
    packages: dict[str, str]
    required: bool


PROGRAMS: Final = (
    Program("mount", "volumes", {"debian": "mount", "rhel": "util-linux", "suse": "util-linux"}, required=True),
    Program("ip", "network devices", {"debian": "iproute2", "rhel": "iproute", "suse": "iproute2"}, required=True),
    Program("conntrack", "stale UDP connections of Services",
            {"debian": "conntrack", "rhel": "conntrack-tools", "suse": "conntrack-tools"}, required=False),
    Program("socat", "port-forward of older tools",
            {"debian": "socat", "rhel": "socat", "suse": "socat"}, required=False),
    Program("ethtool", "settings of network devices",
            {"debian": "ethtool", "rhel": "ethtool", "suse": "ethtool"}, required=False),
    Program("nsenter", "kubectl debug and volumes",
            {"debian": "util-linux", "rhel": "util-linux", "suse": "util-linux"}, required=False),
)  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """One machine under preflight."""

    spec: ClusterSpec
    machine: MachineInput
    found: Found
    cluster_id: str
    architectures: tuple[str, ...]
    """That the bundle holds."""
    registry: str | None = None
    """host:port of roost's registry."""
    exists: bool = False
    """There is a control plane already, so that its endpoint should answer."""

    @property
    def ours(self) -> bool:
        """roost already works on it for this cluster: what stands there is roost's own."""
        return self.cluster_id in self.found.node.journals

    def error(self, check: str, cause: str, evidence: str, remedy: str) -> Finding:
        return Finding(self.machine.name, check, cause, evidence, remedy)

    def warning(self, check: str, cause: str, evidence: str, remedy: str) -> Finding:
        return Finding(self.machine.name, check, cause, evidence, remedy, warning=True)


def operating_system(subject: Subject) -> Iterator[Finding]:
    node = subject.found.node
    if not node.systemd_state:
        yield subject.error(
            "SystemdMissing",
            "the first process is not systemd, which roost and kubelet need",
            f"operating system {node.os_name or 'unknown'}",
            "Use an operating system with systemd",
        )
    missing = [name for name in ("systemd-run", "tar", "gzip", "sha256sum") if name not in node.programs]
    if missing and node.systemd_state:
        yield subject.error(
            "ProgramsMissing",
            f"roost cannot work without {', '.join(missing)}",
            f"operating system {node.os_name or 'unknown'}",
            "Install coreutils, tar, gzip and systemd",
        )
    version = tuple(int(part) for part in re.findall(r"\d+", node.kernel)[:2])
    if version and version < KERNEL_LEAST:
        yield subject.error(
            "KernelTooOld",
            f"the kernel must be at least {KERNEL_LEAST[0]}.{KERNEL_LEAST[1]}",
            f"kernel {node.kernel}",
            "Install a newer kernel and boot it",
        )


def architecture(subject: Subject) -> Iterator[Finding]:
    found = subject.found.node.architecture
    if found not in subject.architectures:
        yield subject.error(
            "ArchitectureNotInBundle",
            f"the machine is {found or 'of an unknown architecture'}, and the release bundle of "
            f"{subject.spec.version} holds {', '.join(subject.architectures) or 'none'}",
            f"uname -m: {subject.found.node.machine}",
            "Create a bundle that holds it: "
            f"roost bundle create --kubernetes {subject.spec.version} --arch {found or 'ARCHITECTURE'}",
        )


def capacity(subject: Subject) -> Iterator[Finding]:
    node, role = subject.found.node, subject.machine.spec.role
    if role is Role.CONTROL_PLANE and 0 < node.cpus < 2:
        yield subject.warning(
            "FewProcessors",
            "a control plane should have at least 2 processors",
            f"it has {node.cpus}",
            "Give the machine another one, or expect slow starts",
        )
    least = MEMORY_LEAST[role]
    if 0 < node.memory < least:
        yield subject.error(
            "MemoryTooSmall",
            f"a machine with the role {role} needs at least {least // MIB} MiB of memory",
            f"it has {node.memory // MIB} MiB",
            "Give the machine more memory",
        )


def swap(subject: Subject) -> Iterator[Finding]:
    if (
        subject.found.node.swaps
        and layout.on_premises(subject.spec).kubelet_extra_args.get("fail-swap-on") != "false"
    ):
        yield subject.error(
            "SwapOn",
            "kubelet does not start while swap is on",
            f"in use: {', '.join(subject.found.node.swaps)}",
            "Run `swapoff -a` and remove the swap lines from /etc/fstab, "
            "or set kubeletExtraArgs fail-swap-on to false",
        )


def programs(subject: Subject) -> Iterator[Finding]:
    have, node = subject.found.node.programs, subject.found.node
    family = _FAMILY_OF.get(node.os_id, "debian" if "apt-get" in have else "suse" if "zypper" in have else "rhel")
    for program in PROGRAMS:
        if program.name in have:
            continue
        make = subject.error if program.required else subject.warning
        yield make(
            "ProgramMissing",
            f"the program {program.name} is missing, which Kubernetes needs for {program.used_for}",
            f"operating system {node.os_name}",
            f"Run `{_FAMILIES[family]} {program.packages[family]}`",
        )
    if "iptables" not in have:
        make = subject.warning if "nft" in have else subject.error
        yield make(
            "ProgramMissing",
            "the program iptables is missing, which host ports of Pods need",
            f"operating system {node.os_name}; nft is {'there' if 'nft' in have else 'missing too'}",
            f"Run `{_FAMILIES[family]} iptables`",
        )


def ports(subject: Subject) -> Iterator[Finding]:
    if subject.ours:
        return
    for port, (component, roles) in PORTS.items():
        if subject.machine.spec.role not in roles:
            continue
        holders = {
            listener.process or "a process that the kernel does not name"
            for listener in subject.found.node.listeners
            if listener.port == port and listener.protocol == "tcp"
        }
        if holders:
            yield subject.error(
                "PortTaken",
                f"port {port}, which {component} needs, is in use",
                f"by {', '.join(sorted(holders))}",
                "Stop that program or let it listen on another port",
            )


def foreign_software(subject: Subject) -> Iterator[Finding]:
    """Somebody else's Kubernetes or runtime. It is kept; roost never clears what it did not make."""
    found = subject.found
    others = [journal for journal in found.node.journals if journal != subject.cluster_id]
    if others:
        yield subject.error(
            "MachineInUse",
            "the machine belongs to another cluster of roost",
            f"journal of {', '.join(others)} in /var/lib/roost",
            "Delete the Machine from that cluster first, or restore the machine: "
            f"sh /var/lib/roost/{others[0]}/journal/undo.sh",
        )
    if subject.ours:
        return
    for name, unit in found.units.items():
        yield subject.error(
            "ForeignSoftware",
            f"{name} is installed already, and not by roost for this cluster",
            f"{unit.path or name + '.service'} is {unit.active}",
            f"If it is not needed: `systemctl disable --now {name}` and remove its package; "
            "otherwise use another machine",
        )
    for directory, names in found.content.items():
        if directory == "/etc/kubernetes" and "/etc/kubernetes/manifests" in found.content:
            continue
        yield subject.error(
            "ForeignContent",
            f"{directory} holds files that roost did not write",
            f"such as {names}",
            f"If they are of no use any more: move them away (`mv {directory} {directory}.old`)",
        )


def network(subject: Subject) -> Iterator[Finding]:
    """Addresses and routes: see addresses.py."""
    node = subject.found.node
    if not node.nameservers:
        yield subject.error(
            "NameserverMissing",
            "CoreDNS forwards to the machine's nameservers and stops without any",
            "/etc/resolv.conf names no nameserver",
            "Add a nameserver line to /etc/resolv.conf",
        )
    if node.firewalls:
        yield subject.warning(
            "FirewallActive",
            "a firewall may block what nodes and Pods send each other",
            f"active: {', '.join(node.firewalls)}",
            "Let TCP 6443, 2379, 2380 and 10250 and UDP 8472 pass between the machines",
        )


def reachability(subject: Subject) -> Iterator[Finding]:
    """Of what every machine has to reach. A refused connection shows that the way is open."""
    wanted, reach = layout.on_premises(subject.spec).control_plane_endpoint, subject.found.reach
    endpoint = f"spec.onPremises.controlPlaneEndpoint {layout.joined(wanted.host, wanted.port)}"
    if reach.get("endpoint") == "unresolved":
        yield subject.error(
            "EndpointNotResolved",
            f"the machine can't resolve the name of {endpoint}",
            f"nameservers: {', '.join(subject.found.node.nameservers) or 'none'}",
            "Add the name to DNS, or to /etc/hosts of every machine",
        )
    elif reach.get("endpoint") == "unreachable" and (wanted.self_built_vip is None or subject.exists):
        yield subject.warning(
            "EndpointUnreachable",
            f"the machine gets no answer from {endpoint}",
            "no connection within 3 s, and none refused",
            "Let TCP pass to it; a load balancer without a backend may be silent until the control plane runs",
        )
    if subject.registry and reach.get("registry", "open") != "open":
        yield subject.error(
            "RegistryUnreachable",
            f"the machine can't reach the registry at {subject.registry}, from which it gets its images",
            f"the connection is {reach['registry']}",
            "Let TCP pass to it, or, for roost's own, start roost with an --address that machines reach",
        )


def control_groups(subject: Subject) -> Iterator[Finding]:
    missing = [name for name in ("cpu", "memory", "pids") if name not in subject.found.controllers]
    if missing:
        yield subject.error(
            "ControlGroupsMissing",
            f"kubelet needs the control group controllers cpu, memory and pids; missing: {', '.join(missing)}",
            f"the kernel offers {', '.join(subject.found.controllers) or 'none'}",
            "Switch them on with the kernel parameters cgroup_enable=memory and cgroup_enable=cpuset, then reboot",
        )
    if not subject.found.overlay:
        yield subject.error(
            "OverlayMissing",
            "the kernel has no overlay file system, on which containers stand",
            "/proc/filesystems does not name it and there is no module overlay",
            "Use a kernel with CONFIG_OVERLAY_FS",
        )


CHECKS: Final[tuple[Callable[[Subject], Iterator[Finding]], ...]] = (
    operating_system,
    architecture,
    capacity,
    swap,
    programs,
    ports,
    foreign_software,
    network,
    reachability,
    control_groups,
)
