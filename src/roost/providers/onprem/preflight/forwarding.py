"""Whether a load balancer, and the external access, lead to every control plane: asked before anything listens there.

A listener on each new control plane names itself to whoever connects; machines dial the load balancer, the platform
dials the external access. What was seen is judged purely. Called by asking.py.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from roost.api.errors import RoostError
from roost.node.calling import Helper, Line
from roost.providers.onprem import families, layout
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.preflight import dialling
from roost.providers.onprem.preflight.report import Finding
from roost.providers.onprem.vip.address import COMPONENT_PORTS

SECONDS: Final = 25.0
"""A load balancer's health check may take that long to let a server in."""
EXISTS_SECONDS: Final = 10.0
"""Beside servers that run already."""
ALONE_SECONDS: Final = 12.0
"""For each that was not seen, by itself, in case a client is always led to the same server."""
READY_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Way:
    """A port that must lead to a port of every control plane."""

    host: str
    port: int
    behind: int
    """The port on control planes."""
    external: bool = False
    """The external access, which the platform dials; else the load balancer, which machines dial."""

    @property
    def target(self) -> str:
        return layout.joined(self.host, self.port)


def ways(ctx: Context) -> tuple[Way, ...]:
    """None to a self-built VIP, which is not there yet, and to a control plane's own address. Pure."""
    wanted = layout.on_premises(ctx.spec).control_plane_endpoint
    own = {address for machine in layout.control_planes(ctx) for address in families.declared(machine)}
    found: list[Way] = []
    if wanted.self_built_vip is None and wanted.host not in own:
        found += _ports(wanted.host, wanted.port)
    if (external := wanted.external_access) is not None:
        found += _ports(external.host, external.port, external=True)
    return tuple(found)


def _ports(host: str, api: int, *, external: bool = False) -> Iterator[Way]:
    yield Way(host, api, layout.API_PORT, external)
    for port in COMPONENT_PORTS:
        yield Way(host, port, port, external)


@dataclass
class Sight:
    """What was seen so far."""

    listening: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    """Ports that could be listened on, by machine."""
    reached: dict[Way, set[str]] = field(default_factory=dict[Way, set[str]])
    """Machines that named themselves."""
    problems: dict[Way, str] = field(default_factory=dict[Way, str])
    """What the last connection without a name ended with."""

    def take(self, way: Way, line: Line, nonce: str) -> None:
        """One connection, as the helper tells of it."""
        word, _, name = str(line.get("banner", "")).partition(" ")
        if word == nonce and name:
            self.reached.setdefault(way, set()).add(name)
        elif line.get("ok"):
            self.problems[way] = "a connection is taken, and nobody behind it answers"
        else:
            self.problems[way] = str(line.get("error", "")) or "no connection"

    def missing(self, asked: Sequence[Way]) -> dict[Way, set[str]]:
        """Machines that listen and were not reached."""
        found: dict[Way, set[str]] = {}
        for way in asked:
            wanted = {name for name, ports in self.listening.items() if way.behind in ports}
            if left := wanted - self.reached.get(way, set()):
                found[way] = left
        return found


def judge(asked: Sequence[Way], sight: Sight, planes: Sequence[MachineInput], *, exists: bool) -> Iterator[Finding]:
    """One finding for each port and machine. Pure.

    In a cluster that exists others answer without a name, so that one that was not seen proves little: a warning.
    """
    everyone = {machine.name: machine.spec.addresses.primary for machine in planes}
    for way, names in sight.missing(asked).items():
        reached = sorted(sight.reached.get(way, set()))
        evidence = (
            f"connections to {way.target} reach {', '.join(f'{name} ({everyone[name]})' for name in reached)} alone"
            if reached
            else f"{way.target}: {sight.problems.get(way, 'no connection')}"
        )
        who = "the external access" if way.external else "the load balancer"
        of = ", tried from the platform" if way.external else ""
        to = ", ".join(layout.joined(address, way.behind) for address in everyone.values())
        for name in sorted(names):
            yield Finding(
                name,
                "ExternalAccessNotForwarding" if way.external else "LoadBalancerNotForwarding",
                f"{who} {way.host} does not forward port {way.port} to this control plane{of}",
                evidence,
                f"Forward TCP {way.port} of {way.host} to {to}, and let it pass through firewalls",
                warning=exists,
            )


async def findings(
    ctx: Context,
    new: Mapping[str, Helper],
    planes: Sequence[MachineInput],
    *,
    exists: bool,
) -> list[Finding]:
    """`new`: all machines that are asked, `planes`: the control planes among them."""
    asked, sight, nonce = ways(ctx), Sight(), f"roost-{secrets.token_hex(6)}"
    listeners = {machine.name: new[machine.name] for machine in planes if machine.name in new}
    if not asked or not listeners:
        return []
    names = [machine.name for machine in planes]
    # Workers first: some load balancers lead no machine to itself.
    dialling_ = sorted(new, key=lambda name: name in names)[:3]
    dial = Dial(asked, [new[name] for name in dialling_], sight, nonce, tries=2 * len(names) + 1)
    await _meanwhile(listeners, asked, sight, nonce, lambda: dial.until(EXISTS_SECONDS if exists else SECONDS))
    if not exists:
        await _one_by_one(listeners, asked, sight, nonce, dial)
    return list(judge(asked, sight, planes, exists=exists))


async def _one_by_one(
    listeners: Mapping[str, Helper], asked: Sequence[Way], sight: Sight, nonce: str, dial: Dial
) -> None:
    """Each that was not seen where others were listens alone."""
    everyone = dict(sight.listening)
    left = {way: names for way, names in sight.missing(asked).items() if sight.reached.get(way)}
    for name in sorted(set[str]().union(*left.values())):
        dial.asked = tuple(way for way, names in left.items() if name in names)
        await _meanwhile({name: listeners[name]}, dial.asked, sight, nonce, lambda: dial.until(ALONE_SECONDS))
    sight.listening = everyone


@dataclass
class Dial:
    """Dials every way until all who listen were reached."""

    asked: Sequence[Way]
    helpers: Sequence[Helper]
    sight: Sight
    nonce: str
    tries: int

    async def until(self, seconds: float) -> None:
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            left = list(self.sight.missing(self.asked))
            if not left:
                return
            inside = [way for way in left if not way.external]
            outside = [way for way in left if way.external]
            machines = [self._from(helper, inside) for helper in self.helpers] if inside else []
            await asyncio.gather(*machines, *(self._from_here(way) for way in outside))
            await asyncio.sleep(0.2)

    async def _from(self, helper: Helper, asked: Sequence[Way]) -> None:
        targets = {way.target: way for way in asked}
        words = ("dial", *targets, "--times", str(self.tries), "--read", "--timeout", "3s")
        try:
            lines = await helper.call(*words, seconds=8.0)
        except RoostError:
            return  # Others dial too; what nobody reached is told as that.
        for line in lines:
            if (way := targets.get(str(line.get("target")))) is not None:
                self.sight.take(way, line, self.nonce)

    async def _from_here(self, way: Way) -> None:
        lines = await asyncio.gather(*(dialling.dial(way.host, way.port) for _ in range(self.tries)))
        for line in lines:
            self.sight.take(way, line, self.nonce)


async def _meanwhile(
    listeners: Mapping[str, Helper],
    asked: Sequence[Way],
    sight: Sight,
    nonce: str,
    work: Callable[[], Awaitable[None]],
) -> None:
    """Listens on each of the machines while `work` runs. A port that is taken is not waited for."""
    ports = sorted({way.behind for way in asked})
    done = asyncio.Event()
    sight.listening = {}

    async def listen(name: str, helper: Helper) -> None:
        told: list[Line] = []

        def take(line: Line) -> None:
            told.append(line)
            if line.get("ok"):
                sight.listening.setdefault(name, set()).add(int(str(line["listen"]).rpartition(":")[2]))
            if len(told) == len(ports):
                ready[name].set()

        words = ("listen", *map(str, ports), "--for", "90s", "--banner", f"{nonce} {name}")
        try:
            await helper.hold(*words, seconds=100.0, told=take, until=done)
        except RoostError:
            sight.listening.pop(name, None)  # It can't be told from one that is not reached.
        finally:
            ready[name].set()

    ready = {name: asyncio.Event() for name in listeners}
    async with asyncio.TaskGroup() as group:
        for name, helper in listeners.items():
            group.create_task(listen(name, helper))
        try:
            async with asyncio.timeout(READY_SECONDS):
                await asyncio.gather(*(event.wait() for event in ready.values()))
        except TimeoutError:
            pass  # Those that listen by now are asked for.
        try:
            await work()
        finally:
            done.set()
