"""What this provider must know of a machine beyond the engine's facts: a thing that only observes, and its parsing.

The provider adds `look()` to the things of the engine's one observation. `Found` decides how the machine is
set up (cgroup driver, modules, OOM scores) and is what preflight judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

from roost.node.facts import NodeFacts
from roost.node.quote import word
from roost.node.thing import Observed
from roost.node.things.run import Fact
from roost.providers.onprem.planes import Stage

LOOK_KEY: Final = "look:preflight"


def look(targets: Mapping[str, tuple[str, int]], *, data_directory: str | None = None) -> Fact:
    """The thing that asks; what it printed goes to `parse`. `targets`: host and port to connect to, by a name."""
    script = files("roost.providers.onprem.preflight").joinpath("sh", "look.sh").read_text()
    tries = [f"reach {word(name)} {word(host)} {port} &" for name, (host, port) in targets.items()]
    names = [f"resolve {word(name)} {word(host)}" for name, (host, _) in targets.items() if name == "endpoint"]
    data = [f"data {word(data_directory)}"] if data_directory is not None else []
    return Fact(LOOK_KEY, "\n".join([script, *data, *names, *tries, "wait"]))


@dataclass(frozen=True)
class Unit:
    active: str
    """active, inactive, failed, …"""
    path: str


@dataclass(frozen=True)
class Found:
    """One machine as it was seen."""

    node: NodeFacts = field(default_factory=NodeFacts)
    skew: float | None = None
    """Seconds by which the machine's clock is ahead of the observer's."""
    content: Mapping[str, str] = field(default_factory=dict[str, str])
    """Directories of Kubernetes that are not empty, with the first names in them."""
    units: Mapping[str, Unit] = field(default_factory=dict[str, Unit])
    routes: tuple[tuple[str, str], ...] = ()
    """Destination (`default` among them) and interface, of IPv4."""
    routes6: tuple[tuple[str, str], ...] = ()
    """The same of IPv6, without those of single machines."""
    links: tuple[str, ...] = ()
    """Names of all network devices, with and without an address."""
    advertised: str = ""
    """Interface whose IPv6 default route came by router advertisement, or empty."""
    data_free: int | None = None
    """Free bytes of the file system that holds (or will hold) the data directory; None: none was asked for."""
    data_size: int | None = None
    """All bytes of it."""
    data_mount: str = ""
    """Mount point of that file system."""
    controllers: tuple[str, ...] = ("cpu", "memory", "pids")
    """Control group controllers that the kernel offers here."""
    oom_lowering: bool = True
    modules: Mapping[str, str] = field(default_factory=dict[str, str])
    """overlay and br_netfilter: loaded, built-in or available; those that the kernel lacks are not in it."""
    overlay: bool = True
    reach: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of each target that was tried: open, refused, unresolved or unreachable."""
    resolved: tuple[str, ...] = ()
    """Addresses of the endpoint's name, as the machine resolves it; none for an address, and where it can't."""
    sysctls: Mapping[str, int] = field(default_factory=dict[str, int])
    """By path under /proc/sys."""
    stage: Stage = Stage.NOTHING
    """How far a control plane came in this cluster."""

    @property
    def cgroup_driver(self) -> str:
        return self.node.cgroup_driver

    @property
    def bridge_sysctls(self) -> bool:
        """Whether the kernel shows bridged packets to iptables, or will once br_netfilter is loaded."""
        return "net/bridge/bridge-nf-call-iptables" in self.sysctls or "br_netfilter" in self.modules


def parse(observed: Observed, node: NodeFacts, *, observer_clock: float | None = None) -> Found:
    """`observer_clock`: the observer's time (s since 1970) in the middle of the look."""
    named: dict[str, dict[str, str]] = {}
    for name, value in observed.items():
        kind, _, rest = name.partition(" ")
        if rest and value:
            named.setdefault(kind, {})[rest] = value
    modules = named.get("module", {})
    data_free, data_size, data_mount = _data(observed.get("data", ""))
    return Found(
        node=node,
        skew=node.clock - observer_clock if observer_clock is not None and node.clock else None,
        content=named.get("content", {}),
        units={name: _unit(value) for name, value in named.get("unit", {}).items()},
        routes=_routes(observed.get("routes", "")),
        routes6=_routes(observed.get("routes6", "")),
        links=tuple(observed.get("links", "").split()),
        advertised=observed.get("advertised", ""),
        data_free=data_free,
        data_size=data_size,
        data_mount=data_mount,
        controllers=tuple(observed.get("controllers", "").split()),
        oom_lowering=observed.get("oom-lowering", "yes") == "yes",
        modules=modules,
        reach=named.get("reach", {}),
        resolved=tuple(sorted(set(named.get("resolved", {}).get("endpoint", "").split()))),
        stage=_stage(observed.get("plane", "")),
        overlay=observed.get("filesystem-overlay") == "yes" or "overlay" in modules,
        sysctls={key: int(value) for key, value in named.get("sysctl", {}).items() if value.strip().isdigit()},
    )


def _routes(text: str) -> tuple[tuple[str, str], ...]:
    """Of `DESTINATION=INTERFACE …`."""
    parts = (each.partition("=") for each in text.split())
    return tuple((destination, interface) for destination, _, interface in parts)


def _data(text: str) -> tuple[int | None, int | None, str]:
    """Of `FREE-BYTES BYTES MOUNT-POINT`."""
    words = text.split(" ", 2)
    if len(words) != 3 or not words[0].isdecimal() or not words[1].isdecimal():
        return None, None, ""
    return int(words[0]), int(words[1]), words[2]


def _stage(value: str) -> Stage:
    return Stage(value) if value in {stage.value for stage in Stage} else Stage.NOTHING


def _unit(value: str) -> Unit:
    active, _, path = value.partition(" ")
    return Unit(active=active, path=path)
