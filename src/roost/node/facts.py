"""What a machine is: read in the same round trip as its things. Pure parsing; the script is sh/facts.sh.

Used by engine.observe; providers decide from NodeFacts in preflight and when they choose settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal


@dataclass(frozen=True)
class Address:
    interface: str
    address: str
    prefix: int


@dataclass(frozen=True)
class Listener:
    """A port in use. `process` is empty where the kernel does not tell."""

    protocol: Literal["tcp", "udp"]
    address: str
    port: int
    process: str = ""


@dataclass(frozen=True)
class RunningAct:
    """The unit of this cluster that is active on the machine right now."""

    unit: str
    description: str
    """`ACT by HOLDER: TITLE`, as the starter wrote it."""
    since: str


@dataclass(frozen=True)
class NodeFacts:
    """Sizes in bytes, times in seconds since 1970."""

    hostname: str = ""
    os_id: str = ""
    """ID of os-release, such as debian."""
    os_version: str = ""
    os_name: str = ""
    """PRETTY_NAME of os-release."""
    kernel: str = ""
    machine: str = ""
    """As uname -m says it."""
    cpus: int = 0
    memory: int = 0
    machine_id: str = ""
    boot_id: str = ""
    clock: float = 0.0
    addresses: tuple[Address, ...] = ()
    default_interface: str = ""
    """Of the IPv4 default route; empty when there is none."""
    default_gateway: str = ""
    cgroup_version: Literal[1, 2] = 1
    systemd_cgroups: bool = False
    """Whether systemd manages the cpu and memory hierarchies here; if not, kubelet needs cgroupfs."""
    systemd_version: int = 0
    systemd_state: str = ""
    """running, degraded, starting, …; empty where PID 1 is not systemd."""
    listeners: tuple[Listener, ...] = ()
    swaps: tuple[str, ...] = ()
    free: Mapping[str, int] = field(default_factory=dict[str, int])
    """Free bytes of the file systems that hold the paths in FREE_PATHS (of the nearest existing parent)."""
    programs: Mapping[str, str] = field(default_factory=dict[str, str])
    """Where the programs in PROGRAMS are; those missing are not in it."""
    firewalls: tuple[str, ...] = ()
    """Active units of firewalld, ufw, nftables."""
    selinux: str = ""
    """Enforcing, Permissive or empty."""
    nameservers: tuple[str, ...] = ()
    journals: tuple[str, ...] = ()
    """Ids of all clusters that have a journal on this machine."""
    running: RunningAct | None = None
    probe: str = ""
    """Digest (sha256:…) of the roost-probe that lies ready in /run/roost/bin, or empty."""

    @property
    def architecture(self) -> str:
        """In Kubernetes' and Go's words: amd64, arm64, …"""
        return _ARCHITECTURES.get(self.machine, self.machine)

    @property
    def cgroup_driver(self) -> Literal["systemd", "cgroupfs"]:
        return "systemd" if self.systemd_cgroups else "cgroupfs"


PROGRAMS: Final = (
    "apt-get", "conntrack", "containerd", "crictl", "crio", "dnf", "docker", "ebtables", "ethtool", "findmnt",
    "gzip", "ip", "ip6tables", "iptables", "kubeadm", "kubelet", "losetup", "mount", "modprobe", "nft", "nsenter",
    "runc", "sha256sum", "socat", "ss", "systemd-run", "tar", "umount", "yum", "zypper",
)  # fmt: skip
FREE_PATHS: Final = ("/", "/run", "/var/lib", "/var/lib/containerd", "/var/lib/etcd", "/var/lib/kubelet", "/var/log")
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x"}
