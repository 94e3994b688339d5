"""The lab's one cable: a bridge on this box, a link to each machine, and the faults that a link can have.

Faults are put on the box's end of a link, so a machine sees only their effect. Loss and rate act in both directions.
A delay would need a relay in user space on most kernels that the lab meets; it is left out. Nothing is forwarded
or translated to the outside.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.machines import host
from lab.machines.settings import LabError, Settings

RATE = re.compile(r"^(\d+(?:\.\d+)?)(kbit|mbit|gbit)$")
RATE_UNITS = {"kbit": 1_000, "mbit": 1_000_000, "gbit": 1_000_000_000}
INTERFACES = Path("/sys/class/net")


@dataclass(frozen=True)
class Link:
    """What a link is to be like; kept in the machine's directory, so that it outlives a reboot of the machine."""

    cut: bool = False
    loss_percent: float = 0
    rate: str = ""

    @staticmethod
    def load(path: Path) -> Link:
        return Link(**json.loads(path.read_text())) if path.is_file() else Link()

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    def __str__(self) -> str:
        if self.cut:
            return "cut"
        faults = [f"loss {self.loss_percent:g}%"] if self.loss_percent else []
        faults += [f"rate {self.rate}"] if self.rate else []
        return ", ".join(faults) or "whole"


def parse_loss(text: str) -> float:
    try:
        percent = float(text.rstrip("%"))
    except ValueError:
        percent = -1
    if not 0 <= percent <= 100:
        raise LabError(f"«{text}» is no loss: give a percentage from 0 to 100, such as 20%")
    return percent


def parse_rate(text: str) -> tuple[str, int]:
    """The rate as tc writes it, and in bits a second."""
    match = RATE.match(text.lower())
    if not match or float(match[1]) <= 0:
        raise LabError(f"«{text}» is no rate: give a number and kbit, mbit or gbit, such as 10mbit")
    return text.lower(), int(float(match[1]) * RATE_UNITS[match[2]])


def ensure(settings: Settings) -> None:
    bridge = settings.bridge
    if not (INTERFACES / bridge).exists():
        host.run("ip", "link", "add", bridge, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
    host.run("ip", "addr", "replace", f"{settings.host_ipv4}/24", "dev", bridge)
    host.run("ip", "addr", "replace", f"{settings.host_ipv6}/64", "dev", bridge, "nodad")
    host.run("ip", "link", "set", bridge, "up")
    _open_firewall(settings)


def clear(settings: Settings) -> None:
    """Removes the bridge and whatever else of this lab's links and rules a killed run may have left."""
    _close_firewall(settings)
    for table in _fault_tables(settings):
        host.run("nft", "delete", "table", "netdev", table, check=False)
    ours = [p.name for p in INTERFACES.iterdir() if p.name.startswith((settings.prefix, f"vb-{settings.prefix}"))]
    for name in [*ours, settings.bridge]:
        if (INTERFACES / name).exists():
            host.run("ip", "link", "del", name, check=False)


def leftovers(settings: Settings) -> list[str]:
    names = [p.name for p in INTERFACES.iterdir()] if INTERFACES.is_dir() else []
    ours = (settings.prefix, f"vb-{settings.prefix}")
    found = [f"interface {name}" for name in names if name == settings.bridge or name.startswith(ours)]
    return found + [f"nftables table {table}" for table in _fault_tables(settings)]


def host_side(leader: int) -> str | None:
    """The box's end of the link of the machine whose first process this is; None while there is none."""
    try:
        peer = Path(f"/proc/{leader}/root/sys/class/net/host0/iflink").read_text().strip()
    except OSError:
        return None
    for interface in INTERFACES.iterdir():
        try:
            if (interface / "ifindex").read_text().strip() == peer and interface.name.startswith("vb-"):
                return interface.name
        except OSError:
            continue
    return None


def apply(settings: Settings, name: str, index: int, interface: str, link: Link) -> None:
    """Gives the link exactly these faults. Called when they change and at each boot, which makes the link anew."""
    if link.cut:
        host.run("ip", "link", "set", interface, "nomaster")
    else:
        host.run("ip", "link", "set", interface, "master", settings.bridge)
    _apply_loss(settings, name, interface, link.loss_percent)
    _apply_rate(f"{settings.prefix}x{index}", interface, link.rate)


def forget(settings: Settings, name: str, index: int) -> None:
    """Removes what a machine's link left on the box."""
    if shutil.which("nft"):
        host.run("nft", "delete", "table", "netdev", f"{settings.bridge}-{name}", check=False)
    mirror = f"{settings.prefix}x{index}"
    if (INTERFACES / mirror).exists():
        host.run("ip", "link", "del", mirror, check=False)


def _apply_loss(settings: Settings, name: str, interface: str, percent: float) -> None:
    table = f"{settings.bridge}-{name}"
    # Adding first makes the deletion succeed whether or not it was there.
    script = f"add table netdev {table}\ndelete table netdev {table}\n"
    if percent:
        drop = f"numgen random mod 10000 < {round(percent * 100)} drop"
        script += f"add table netdev {table}\n"
        for hook in ("ingress", "egress"):
            head = f'type filter hook {hook} device "{interface}" priority 0;'
            script += f"add chain netdev {table} {hook} {{ {head} }}\nadd rule netdev {table} {hook} {drop}\n"
    host.run("nft", "-f", "-", stdin=script)


def _apply_rate(mirror: str, interface: str, rate: str) -> None:
    """Towards the machine the box's end is shaped; from it, packets take a detour through a shaped mirror."""
    host.run("tc", "qdisc", "del", "dev", interface, "root", check=False)
    host.run("tc", "qdisc", "del", "dev", interface, "clsact", check=False)
    if (INTERFACES / mirror).exists():
        host.run("ip", "link", "del", mirror)
    if not rate:
        return
    spelled, bits = parse_rate(rate)
    shape = ["tbf", "rate", spelled, "burst", str(max(32_000, bits // 8 // 50)), "latency", "100ms"]
    host.run("tc", "qdisc", "replace", "dev", interface, "root", *shape)
    host.run("ip", "link", "add", mirror, "type", "ifb")
    host.run("ip", "link", "set", mirror, "up")
    host.run("tc", "qdisc", "replace", "dev", mirror, "root", *shape)
    host.run("tc", "qdisc", "add", "dev", interface, "clsact")
    redirect = ["u32", "match", "u32", "0", "0", "action", "mirred", "egress", "redirect", "dev", mirror]
    host.run("tc", "filter", "add", "dev", interface, "ingress", "protocol", "all", *redirect)


def _fault_tables(settings: Settings) -> list[str]:
    if not shutil.which("nft"):
        return []
    listed = host.run("nft", "list", "tables", "netdev", check=False).stdout.split()
    return [word for word in listed if word.startswith(f"{settings.bridge}-")]


def _firewall_rules(settings: Settings) -> list[list[str]]:
    mark = ["-m", "comment", "--comment", settings.bridge, "-j", "ACCEPT"]
    return [
        ["FORWARD", "-i", settings.bridge, "-o", settings.bridge, *mark],
        ["INPUT", "-i", settings.bridge, *mark],
    ]


def filters(listing: str) -> bool:
    """Whether a `iptables -S` could stop the lab's packets: a policy other than ACCEPT, or any rule at all."""
    return any(re.match(r"-A (INPUT|FORWARD)\b|-P (INPUT|FORWARD) DROP", line) for line in listing.splitlines())


def _open_firewall(settings: Settings) -> None:
    for tool in ("iptables", "ip6tables"):
        if filters(host.run(tool, "-S", check=False).stdout):
            for rule in _firewall_rules(settings):
                if host.run(tool, "-C", *rule, check=False).returncode != 0:
                    host.run(tool, "-I", *rule)


def _close_firewall(settings: Settings) -> None:
    for tool in ("iptables", "ip6tables"):
        if shutil.which(tool) and settings.bridge in host.run(tool, "-S", check=False).stdout.split():
            for rule in _firewall_rules(settings):
                host.run(tool, "-D", *rule, check=False)
