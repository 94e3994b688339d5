"""Whether VRRP (IP protocol 112) passes between the control planes, and whether the VRID is spoken already.

The helper runs on all control planes at once: each sends to each, and hears who else announces virtual routers on
its network. What was heard is judged purely. Called by asking.py, for clusters with a self-built VIP.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from roost.api.errors import RoostError
from roost.node.calling import Helper, Line
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.preflight.report import Finding
from roost.providers.onprem.vip import address
from roost.providers.onprem.vip.address import Virtual

SECONDS: Final = 4
"""A virtual router announces itself once a second, unless somebody chose a longer time."""

Heard = Mapping[str, Sequence[Line]]
"""By machine: what the helper printed there."""


def judge(virtual: Virtual, planes: Sequence[MachineInput], new: Collection[str], heard: Heard) -> Iterator[Finding]:
    """`planes`: all that were asked; only pairs with a new one matter. Pure."""
    addresses = {machine.name: machine.spec.addresses.primary for machine in planes}
    for name, own in addresses.items():
        if name not in heard:
            continue
        arrived = {str(line["peer"]) for line in heard[name] if line.get("ok") and "peer" in line}
        for other, sender in addresses.items():
            if other == name or other not in heard or sender in arrived or not {name, other} & set(new):
                continue
            yield Finding(
                # Of a pair the new one is told, since the other is a running cluster's.
                name if name in new else other,
                "VrrpBlocked",
                f"no VRRP packet (IP protocol 112) of {other} ({sender}) arrives at {name} ({own})",
                f"several were sent within {SECONDS} s",
                "Let IP protocol 112 pass between the control planes: firewalls, security groups, switches",
            )
        if name in new:
            yield from _speakers(virtual, name, heard[name], set(addresses.values()))


def _speakers(virtual: Virtual, name: str, lines: Sequence[Line], ours: Collection[str]) -> Iterator[Finding]:
    spoken = {(int(line["vrid"]), str(line.get("source"))) for line in lines if line.get("vrid")}
    clash = sorted(source for router, source in spoken if router == virtual.router and source not in ours)
    if clash:
        every = sorted({router for router, source in spoken if source not in ours})
        yield Finding(
            name,
            "VirtualRouterTaken",
            f"the VRID {virtual.router} is spoken on the network of this control plane already",
            f"by {', '.join(clash)}; VRIDs heard here: {', '.join(map(str, every))}",
            "Choose another spec.onPremises.controlPlaneEndpoint.selfBuiltVIP.virtualRouterID",
        )
    for line in lines:
        if "peer" not in line and not line.get("vrid") and line.get("error"):
            yield Finding(
                name,
                "VirtualRouterNotHeard",
                "whether the VRID is spoken already could not be found out on this control plane",
                str(line["error"]),
                "Make sure that nothing else on that network uses the VRID",
                warning=True,
            )


async def findings(
    ctx: Context, helpers: Mapping[str, Helper], planes: Sequence[MachineInput], new: Collection[str]
) -> list[Finding]:
    """`helpers`: of the control planes that can be asked, `new` those that are to join. All at the same time."""
    virtual = address.wanted(ctx.spec)
    if virtual is None or not new:
        return []
    nonce = secrets.token_hex(8)
    asked = [machine for machine in planes if machine.name in helpers]

    async def one(machine: MachineInput) -> list[Line] | None:
        own = machine.spec.addresses.primary
        peers = [other.spec.addresses.primary for other in asked if other is not machine]
        words = ("vrrp", "--own", own, "--nonce", nonce, "--for", f"{SECONDS}s", *peers)
        try:
            return await helpers[machine.name].call(*words, seconds=SECONDS)
        except RoostError:
            return None

    lines = await asyncio.gather(*(one(machine) for machine in asked))
    heard = {machine.name: each for machine, each in zip(asked, lines, strict=True) if each is not None}
    return list(judge(virtual, asked, new, heard))
