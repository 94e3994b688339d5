"""Tells a control plane that the peers of the virtual address changed: two files and a signal.

Called by removal, before the one that leaves goes. A control plane that is added is told in the provider's own pass.
"""

from __future__ import annotations

import socket

from roost.api.errors import RoostError
from roost.bundle.archive import BundleBlobs
from roost.node import engine
from roost.node.act import Act, Sources
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.vip import address, things

TITLE = "tell the virtual address's peers"


async def tell(ctx: Context, machine: MachineInput) -> None:
    """Nothing without a self-built VIP, and nothing where all is as wished. One that is away is told later."""
    virtual = address.wanted(ctx.spec)
    if virtual is None:
        return
    own = machine.spec.addresses.primary
    try:
        connection = await ctx.connect(machine.target)
        # The device is known from the first look; which things there are does not depend on it.
        facts = (await engine.observe(connection, [], cluster_id=ctx.cluster_id)).facts
        wanted = things.files(virtual, address.peers(ctx), own, things.interface(facts, own))
        seen = await engine.observe(connection, wanted, cluster_id=ctx.cluster_id)
        compared = engine.compare(wanted, seen)
        if not compared.changes:
            return
        act = Act(
            cluster_id=ctx.cluster_id,
            name="vip",
            title=TITLE,
            things=wanted,
            changes=compared.changes,
            sources=Sources(BundleBlobs(ctx.bundle)),
            holder=f"roost on {socket.gethostname()}",
            timeout=60.0,
        )
        ctx.report.acted(machine.name, TITLE)
        result = await engine.apply(connection, act)
        result.raise_if_failed(machine.target)
    except RoostError as error:
        ctx.report.event(machine.name, "PeersNotTold", error.message, warning=True)
