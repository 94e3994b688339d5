"""Makes way for a control plane that joins: what is left of an earlier one goes, the gate opens, keys are fetched.

Called by the provider (creation.py) right before each join of a control plane, one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from roost.api.errors import RetryLater
from roost.kube.client import Client
from roost.kube.errors import answered, explained
from roost.kube.resources import NODE
from roost.providers.onprem import etcd, gate, layout, nodes, sharedkeys
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.gate import Plane
from roost.providers.onprem.sharedkeys import SharedKeys
from roost.ssh.connection import Command

_SECONDS = 30.0


async def look(ctx: Context, members: Sequence[MachineInput]) -> list[Plane]:
    """Every control plane that is a member, at once."""

    async def one(machine: MachineInput) -> Plane:
        return await gate.ask(lambda: ctx.connect(machine.target), machine)

    return list(await asyncio.gather(*(one(machine) for machine in members)))


async def take_out(ctx: Context, planes: Sequence[Plane], member: etcd.Member) -> None:
    """One etcd member, asked of a control plane whose etcd answers. Raises RetryLater."""
    known = gate.members_of(planes) or []
    why = etcd.may_remove(known, member)
    if why is not None:
        raise RetryLater("QuorumAtRisk", f"etcd member {member.title} is not taken out: {why}")
    witness = next(
        (plane for plane in planes if plane.members and plane.machine.spec.addresses.primary != member.host), None
    )
    if witness is None:
        raise RetryLater("QuorumAtRisk", f"no other control plane's etcd answers to take out {member.title}")
    connection = await ctx.connect(witness.machine.target)
    ctx.report.acted(witness.machine.name, f"take the etcd member {member.title} out")
    command = Command("take an etcd member out", etcd.removal(member.identifier))
    result = await connection.run(command, timeout=_SECONDS)
    if result.exit_status != 0:
        said = (result.stdout or result.stderr).strip()[-400:]
        raise RetryLater(
            "EtcdMemberNotRemoved",
            f"{witness.machine.name}: etcd did not take out the member {member.title}: {said or 'it said nothing'}",
        )
    ctx.report.event(witness.machine.name, "EtcdMemberRemoved", f"etcd member {member.title} was taken out")


async def make_way(
    ctx: Context,
    client: Client,
    members: Sequence[MachineInput],
    machine: MachineInput,
    *,
    tell: Callable[[str], None],
) -> SharedKeys:
    """`members`: the control planes that are part of the cluster. Gives the keys for the join."""
    address = machine.spec.addresses.primary
    known = {plane.spec.addresses.primary for plane in layout.control_planes(ctx)} - {address}
    planes = await look(ctx, members)
    for member in etcd.stale(gate.members_of(planes) or [], address, known=known):
        tell(f"taking out the stale etcd member {member.title}")
        await take_out(ctx, planes, member)
        planes = await look(ctx, members)
    await _forget_node(ctx, client, machine)
    planes = await gate.opened(
        lambda: look(ctx, members),
        lambda now: gate.closed(now, address),
        doing=f"the join of {machine.name}",
        tell=tell,
    )
    donor = next(plane.machine for plane in planes if not plane.problem)
    return await sharedkeys.fetch(await ctx.connect(donor.target))


async def _forget_node(ctx: Context, client: Client, machine: MachineInput) -> None:
    """The Node of a machine that was replaced goes: its labels, Pods and Pod network are the old one's."""
    with explained(client.server, doing=f"look for an old Node of {machine.name}"):
        node = nodes.of_machine(await nodes.fetch(client), machine)
        if node is None:
            return
        try:
            await client.call("DELETE", NODE.path(name=node.name))
        except Exception as error:
            if answered(error) != 404:
                raise
    ctx.report.event(machine.name, "NodeReplaced", f"Node {node.name} of an earlier machine was deleted")
