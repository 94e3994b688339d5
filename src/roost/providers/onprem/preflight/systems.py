"""The one table of operating systems and kernels, and the matrix of ports. Preflight and the docs read both.

A system that is not in the table is warned of and not refused: what Kubernetes needs is checked by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from roost.providers.onprem.preflight.machine import KERNEL_LEAST, Subject
from roost.providers.onprem.preflight.report import Finding


@dataclass(frozen=True)
class System:
    """One operating system, by the ID of its os-release."""

    identifier: str
    title: str
    versions: tuple[str, ...]
    """Beginnings of VERSION_ID that are known."""
    kernel: tuple[int, int]
    """The least one, which its oldest release here has."""


SYSTEMS: Final = (
    System("debian", "Debian", ("11", "12"), (5, 10)),
    System("ubuntu", "Ubuntu", ("20.04", "22.04", "24.04"), (5, 4)),
    System("rhel", "Red Hat Enterprise Linux", ("8", "9"), (4, 18)),
    System("centos", "CentOS Stream", ("8", "9"), (4, 18)),
    System("rocky", "Rocky Linux", ("8", "9"), (4, 18)),
    System("almalinux", "AlmaLinux", ("8", "9"), (4, 18)),
    System("openEuler", "openEuler", ("20.03", "22.03", "24.03"), (4, 19)),
    System("kylin", "Kylin Linux Advanced Server", ("V10",), (4, 19)),
    System("sles", "SUSE Linux Enterprise Server", ("15",), (5, 3)),
)
TRIED: Final = (("debian", "12"),)
"""Where the project's own stories run."""


@dataclass(frozen=True)
class Way:
    """Who connects to which port of whom, and what for. `when`: only with that choice."""

    source: tuple[str, str]
    target: tuple[str, str]
    ports: str
    purpose: tuple[str, str]
    """In English and Chinese, as the others."""


_PLATFORM = ("platform", "平台")
_MACHINES = ("every machine", "所有机器")
_PLANES = ("control planes", "控制平面")
_BALANCER = ("load balancer", "负载均衡器")
_EXTERNAL = ("external access", "外部访问地址")
WAYS: Final = (
    Way(_PLATFORM, _MACHINES, "TCP 22", ("SSH; the port that the Machine names", "SSH；以机器中的端口为准")),
    Way(_PLATFORM, _BALANCER, "TCP 6443", ("the cluster's API", "集群 API")),
    Way(_PLATFORM, _EXTERNAL, "TCP 6443, 11780, 11781", ("a cluster on another network", "位于其他网络的集群")),
    Way(_EXTERNAL, _PLANES, "TCP 6443, 11780, 11781", ("a cluster on another network", "位于其他网络的集群")),
    Way(_MACHINES, _PLATFORM, "TCP 7501", ("images and programs", "镜像与程序")),
    Way(_MACHINES, _BALANCER, "TCP 6443", ("the cluster's API", "集群 API")),
    Way(_MACHINES, _BALANCER, "TCP 11780, 11781", ("the platform's components", "平台组件")),
    Way(_BALANCER, _PLANES, "TCP 6443", ("the cluster's API", "集群 API")),
    Way(_BALANCER, _PLANES, "TCP 11780, 11781", ("the platform's components", "平台组件")),
    Way(_PLANES, _PLANES, "TCP 2379, 2380", ("etcd", "etcd")),
    Way(_PLANES, _PLANES, "TCP 6443", ("haproxy, with a self-built VIP", "haproxy（自建 VIP）")),
    Way(_PLANES, _PLANES, "IP 112", ("VRRP, with a self-built VIP", "VRRP（自建 VIP）")),
    Way(_PLANES, _MACHINES, "TCP 10250", ("kubelet", "kubelet")),
    Way(
        _MACHINES,
        _MACHINES,
        "UDP 8472",
        ("the Pod network (VXLAN), with flannel", "容器网络（VXLAN），使用 flannel 时"),
    ),
)


def known(identifier: str) -> System | None:
    return next((each for each in SYSTEMS if each.identifier.lower() == identifier.lower()), None)


def system(subject: Subject) -> Iterator[Finding]:
    """Warns of a system, a release or a kernel that is not in the table."""
    node = subject.found.node
    if not node.os_id:
        return
    found = known(node.os_id)
    if found is None or not any(_begins(node.os_version, version) for version in found.versions):
        yield subject.warning(
            "SystemUnknown",
            "this operating system is not in roost's table; what Kubernetes needs of it is checked all the same",
            node.os_name or f"{node.os_id} {node.os_version}",
            "The page «Machines» of the reference lists those that are known",
        )
        return
    version = tuple(int(part) for part in re.findall(r"\d+", node.kernel)[:2])
    if KERNEL_LEAST <= version < found.kernel:
        yield subject.warning(
            "SystemUnknown",
            f"{found.title} comes with a kernel of at least {found.kernel[0]}.{found.kernel[1]}",
            f"kernel {node.kernel}",
            "Boot a kernel of the operating system",
        )


def _begins(version: str, wanted: str) -> bool:
    return version == wanted or version.startswith((f"{wanted}.", f"{wanted} "))
