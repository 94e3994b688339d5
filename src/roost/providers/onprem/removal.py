"""Takes machines out of a cluster, and whole clusters off their machines. Called by provider.remove and .destroy.

Every machine is tried before anything is raised; each is named with what holds it up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from roost.api import conditions
from roost.api.errors import RetryLater, RoostError
from roost.api.v1alpha1.machine import Role
from roost.kube.client import Client
from roost.kube.errors import answered, explained
from roost.kube.resources import NODE
from roost.node import engine
from roost.node.act import Step
from roost.providers.onprem import access, drain, entering, etcd, gate, layout, nodes
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.graph import combined
from roost.providers.onprem.vip import updating


async def restore(ctx: Context, machine: MachineInput) -> None:
    """The machine as it was before roost: stops what runs, then undoes from the journal."""
    _doing(ctx, machine, "undoing what roost changed")

    def follow(step: Step) -> None:
        _doing(ctx, machine, f"{step.summary} ({step.number}/{step.total})")

    connection = await ctx.connect(machine.target)
    ctx.report.acted(machine.name, "restore the machine")
    result = await engine.undo(connection, ctx.cluster_id, on_step=follow)
    result.raise_if_failed(machine.target)
    if result.evidence.strip():
        ctx.report.event(machine.name, "FilesKept", f"{machine.name}: {result.evidence.strip()}")
    ctx.report.machine(machine.name, conditions.DELETING, "False", conditions.SUCCEEDED)


async def destroy(ctx: Context) -> None:
    """All machines at once. Nothing is drained: the cluster as a whole goes."""
    await _each(ctx, ctx.machines, lambda machine: restore(ctx, machine))


async def remove(ctx: Context, names: Sequence[str]) -> None:
    """Drain, delete the Node, undo. A machine that can't be reached is drained from its cluster all the same."""
    leaving = [machine for machine in ctx.machines if machine.name in names]
    client = await _client(ctx)
    try:
        one_by_one = asyncio.Lock()

        async def leave(machine: MachineInput) -> None:
            if client is not None and machine.spec.role is Role.CONTROL_PLANE:
                # The next one's quorum is judged when this one is out.
                async with one_by_one:
                    await _out_of_control_planes(ctx, client, machine)
            elif client is not None:
                await _out_of_cluster(ctx, client, machine)
            await restore(ctx, machine)

        await _each(ctx, leaving, leave)
    finally:
        if client is not None:
            await client.close()


async def _client(ctx: Context) -> Client | None:
    """None: the cluster never came so far that there is something to drain."""
    stored = await ctx.kubeconfig.load()
    return None if stored is None else access.client(stored)


async def _out_of_control_planes(ctx: Context, client: Client, machine: MachineInput) -> None:
    """A control plane: its etcd member is taken out while the others hold the quorum; then it goes as any node."""
    staying = layout.control_planes(ctx)
    planes = await entering.look(ctx, staying)
    members = gate.members_of(planes)
    if members is None:
        said = "; ".join(gate.unwell([plane]) or plane.machine.name for plane in planes)
        raise RetryLater("QuorumAtRisk", f"{machine.name}: no other control plane shows etcd's members: {said}")
    own = [member for member in members if member.host == machine.spec.addresses.primary]
    for member in own:
        why = etcd.may_remove(members, member)
        if why is not None:
            raise RetryLater("QuorumAtRisk", f"{machine.name} stays: {why}")
    for peer in staying:
        _doing(ctx, machine, f"taking it out of the virtual address's peers on {peer.name}")
        await updating.tell(ctx, peer)
    await _out_of_cluster(ctx, client, machine)
    for member in own:
        _doing(ctx, machine, f"taking the etcd member {member.title} out")
        await entering.take_out(ctx, planes, member)


async def _out_of_cluster(ctx: Context, client: Client, machine: MachineInput) -> None:
    with explained(client.server, doing=f"drain {machine.name}"):
        node = nodes.of_machine(await nodes.fetch(client), machine)
        if node is None:
            return
        _doing(ctx, machine, f"evicting the Pods of node {node.name}")
        # Nothing on a node that is gone can end its Pods; waiting for them would hold up the removal for ever. And
        # whoever forces a removal knows that it is gone before the cluster does.
        if node.ready and not machine.forced:
            await drain.drain(client, node.name)
        else:
            await drain.cordon(client, node.name)
    _doing(ctx, machine, f"deleting the Node {node.name}")
    with explained(client.server, doing=f"delete the Node {node.name}"):
        try:
            await client.call("DELETE", NODE.path(name=node.name))
        except Exception as error:
            if answered(error) != 404:
                raise


async def _each(
    ctx: Context, machines: Sequence[MachineInput], work: Callable[[MachineInput], Awaitable[None]]
) -> None:
    failures: dict[str, RoostError] = {}

    async def one(machine: MachineInput) -> None:
        try:
            await work(machine)
        except RoostError as error:
            failures[machine.name] = error
            ctx.report.machine(machine.name, conditions.DELETING, "True", error.reason, error.message)

    async with asyncio.TaskGroup() as group:
        for machine in machines:
            group.create_task(one(machine))
    if failures:
        error = combined(failures)
        # An undo that failed is tried again whatever the reason: only clean machines are let go.
        raise error if isinstance(error, RetryLater) else RetryLater(error.reason, error.message, delay=60.0)


def _doing(ctx: Context, machine: MachineInput, message: str) -> None:
    ctx.report.machine(machine.name, conditions.DELETING, "True", conditions.IN_PROGRESS, message)
