"""What a machine is: read in the same round trip as its things. Pure parsing; the script is sh/facts.sh.

Used by engine.observe; providers decide from NodeFacts in preflight and when they choose settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])
    """Bytes that these file systems hold in all, as kubelet counts a share of them."""
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


def parse(fields: Sequence[tuple[str, str]]) -> NodeFacts:
    """From the fields that sh/facts.sh printed; lists repeat their field."""
    one = dict(fields)

    def several(name: str) -> list[str]:
        return [value for key, value in fields if key == name and value]

    route = one.get("default_route", "").split()
    running = one.get("running")
    spaces = [space for text in several("free") if (space := _space(text))]
    return NodeFacts(
        hostname=one.get("hostname", ""),
        os_id=one.get("os_id", ""),
        os_version=one.get("os_version", ""),
        os_name=one.get("os_name", ""),
        kernel=one.get("kernel", ""),
        machine=one.get("machine", ""),
        cpus=int(one.get("cpus", "0")),
        memory=int(one.get("memory_kib", "0")) * 1024,
        machine_id=one.get("machine_id", ""),
        boot_id=one.get("boot_id", ""),
        clock=float(one.get("clock", "0")),
        addresses=tuple(address for text in several("address") if (address := _address(text))),
        default_interface=_after(route, "dev"),
        default_gateway=_after(route, "via"),
        cgroup_version=2 if one.get("cgroup_version") == "2" else 1,
        systemd_cgroups=one.get("systemd_cgroups") == "yes",
        systemd_version=_number(one.get("systemd_version", "")),
        systemd_state=one.get("systemd_state", ""),
        listeners=tuple(listener for text in several("listener") if (listener := _listener(text))),
        swaps=tuple(several("swap")),
        free={path: free for path, free, _ in spaces},
        sizes={path: size for path, _, size in spaces},
        programs=dict(_pair(text) for text in several("program")),
        firewalls=_firewalls(one.get("firewalls", "")),
        selinux=one.get("selinux", ""),
        nameservers=tuple(several("nameserver")),
        journals=tuple(several("journal")),
        running=RunningAct(one.get("running_unit", ""), running, one.get("running_since", "")) if running else None,
        probe=one.get("probe", ""),
    )


def _after(words: list[str], name: str) -> str:
    return words[words.index(name) + 1] if name in words[:-1] else ""


def _number(text: str) -> int:
    """252 of `systemd 252 (252.39-1~deb12u2)`."""
    return next((int(word) for word in text.split() if word.isdecimal()), 0)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition(" ")
    return name, value


def _address(text: str) -> Address | None:
    interface, _, rest = text.partition(" ")
    address, _, prefix = rest.partition("/")
    return Address(interface, address, int(prefix)) if prefix.isdecimal() else None


def _space(text: str) -> tuple[str, int, int] | None:
    """`PATH FREE-BLOCKS BLOCKS BLOCK-SIZE`: the path, free bytes, all bytes."""
    path, *numbers = text.rsplit(" ", 3)
    if len(numbers) != 3 or not all(number.isdecimal() for number in numbers):
        return None
    free, blocks, size = map(int, numbers)
    return path, free * size, blocks * size


def _listener(line: str) -> Listener | None:
    """A line of `ss -Hlntup`: `tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))`."""
    words = line.split()
    if len(words) < 5 or words[0] not in ("tcp", "udp"):
        return None
    address, _, port = words[4].rpartition(":")
    if not port.isdecimal():
        return None
    process = line.partition('(("')[2].partition('"')[0]
    return Listener("tcp" if words[0] == "tcp" else "udp", address.strip("[]").partition("%")[0], int(port), process)


def _firewalls(states: str) -> tuple[str, ...]:
    """From the states of these units, in this order."""
    return tuple(
        name
        for name, state in zip(("firewalld", "ufw", "nftables"), states.split(), strict=False)
        if state == "active"
    )
