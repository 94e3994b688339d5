"""The on-premises provider: the five calls by which controllers and the CLI make clusters on machines.

Level-triggered: each call looks at the machines, compares and does what is missing; nothing is remembered
between calls. Work on a machine outlives a cancelled call and is followed by the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from roost.api import conditions
from roost.api.errors import PermanentFailure, RetryLater, RoostError
from roost.api.v1alpha1.cluster import NetworkPlugin
from roost.api.v1alpha1.machine import Role
from roost.api.v1alpha1.plan import PlanSpec
from roost.kube.errors import explained
from roost.providers.onprem import access, families, following, layout, nodes, planes, planning, removal
from roost.providers.onprem.context import Context, MachineInput, Outcome
from roost.providers.onprem.creation import Creation
from roost.providers.onprem.following import View
from roost.providers.onprem.graph import combined
from roost.providers.onprem.layout import Seat
from roost.providers.onprem.observing import Seen, look_at, reconsider
from roost.providers.onprem.planes import Stage
from roost.providers.onprem.preflight import asking, flags, images, report, runtimes, skew, trust, virtual
from roost.providers.onprem.preflight.machine import Subject
from roost.providers.onprem.preflight.report import Finding
from roost.providers.onprem.preflight.run import check
from roost.providers.onprem.vip import address


async def reconcile(ctx: Context) -> Outcome:
    """Create, complete or repair the cluster. Conditions are reported before anything is raised."""
    unseen = [machine for machine in _members(ctx) if machine.name not in ctx.settled]
    if address.wanted(ctx.spec) is not None and any(machine.spec.role is Role.CONTROL_PLANE for machine in unseen):
        # The others hold the virtual address with it, and have to be told of it.
        unseen = [
            machine for machine in _members(ctx) if machine in unseen or machine.spec.role is Role.CONTROL_PLANE
        ]
    if not unseen:
        return await look_after(ctx)
    seen, failures = await _look(ctx, unseen)
    ctx, seen, established = await _found(ctx, seen)
    fit = await _preflight(ctx, seen, failures, established, goes_on=True)
    plan_ = planning.make(ctx, fit, network_missing=_is_fresh(ctx, fit))
    if not ctx.approve(plan_):
        await trust.leave(ctx, fit)
        if not plan_.machines and not failures:
            return await look_after(ctx)
        raise PermanentFailure(conditions.AWAITING_APPROVAL, f"plan {plan_.hash} waits for approval")
    await ctx.settle()
    creation = Creation(ctx, fit, established)
    await creation.run()
    failures.update(creation.graph.failures)
    if failures:
        error = combined(failures)
        ctx.report.cluster(conditions.AVAILABLE, "False", error.reason, error.message[:8000])
        raise error
    if creation.view is None:
        raise AssertionError("a pass without failures has seen the nodes")
    return _outcome(ctx, creation.view)


async def plan(ctx: Context) -> PlanSpec:
    """Preflight, observe, compare. Writes nothing. Raises what preflight found, or an unreachable machine."""
    seen, failures = await _look(ctx, _members(ctx))
    ctx, seen, established = await _found(ctx, seen)
    fit = await _preflight(ctx, seen, failures, established, goes_on=False)
    if failures:
        raise combined(failures)
    return planning.make(ctx, fit, network_missing=_is_fresh(ctx, fit))


async def remove(ctx: Context, names: Sequence[str]) -> None:
    """Take these machines out of a cluster that stays: drain, delete the Node, undo."""
    await removal.remove(ctx, names)


async def destroy(ctx: Context) -> None:
    """Undo on all machines in parallel."""
    await removal.destroy(ctx)


async def look_after(ctx: Context) -> Outcome:
    """Follow the Nodes of a running cluster through its API. A machine gets a command only to renew a certificate."""
    planes_ = layout.control_planes(ctx)
    try:
        kubeconfig = await access.current(ctx, lambda: access.reach(ctx, planes_))
        client = access.client(kubeconfig)
        try:
            view = await following.view(ctx, client, _members(ctx))
        finally:
            await client.close()
    except RoostError as error:
        ctx.report.cluster(conditions.AVAILABLE, "False", error.reason, error.message)
        raise
    return _outcome(ctx, view)


def _is_fresh(ctx: Context, seen: Sequence[Seen]) -> bool:
    """The cluster is still to be made, and its network plugin with it."""
    return any(layout.seat(ctx, look.machine) is Seat.FOUNDER and _is_new(ctx, look) for look in seen)


async def _found(ctx: Context, seen: list[Seen]) -> tuple[Context, list[Seen], tuple[str, ...]]:
    """Who makes the cluster, and which control planes are part of it; looks again where that changes a wish."""
    stages = {look.machine.name: look.found.stage for look in seen}
    names = [machine.name for machine in layout.control_planes(ctx)]
    exists = len(names) > 1 and await ctx.kubeconfig.load() is not None
    founding = planes.decide(names, stages, settled=ctx.settled, exists=exists)
    decided = replace(ctx, founder=founding.founder)

    async def considered(look: Seen) -> Seen:
        same = layout.seat(decided, look.machine) is layout.seat(ctx, look.machine)
        return look if same else await reconsider(decided, look)

    return decided, list(await asyncio.gather(*(considered(look) for look in seen))), founding.established


def _members(ctx: Context) -> list[MachineInput]:
    return [machine for machine in ctx.machines if not machine.deleting]


async def _look(ctx: Context, machines: Sequence[MachineInput]) -> tuple[list[Seen], dict[str, RoostError]]:
    """All machines at once; those that can't be looked at are failures by the Machine's name."""
    results = await asyncio.gather(*(look_at(ctx, machine) for machine in machines), return_exceptions=True)
    seen: list[Seen] = []
    failures: dict[str, RoostError] = {}
    for machine, result in zip(machines, results, strict=True):
        if isinstance(result, Seen):
            seen.append(result)
        elif isinstance(result, RoostError):
            failures[machine.name] = result
        else:
            raise result
    return seen, failures


async def _preflight(
    ctx: Context, seen: Sequence[Seen], failures: dict[str, RoostError], established: Sequence[str], *, goes_on: bool
) -> list[Seen]:
    """The machines that may be changed. A cluster that does not exist yet begins only when all of them are fit.

    `goes_on`: they will be, so that what preflight had to send may stay for that.
    """
    new_ones = [look.machine for look in seen if _is_new(ctx, look)]
    existing = await _existing_nodes(ctx, seen, joins=bool(new_ones and established))
    registry = ctx.registry.address if ctx.registry else None
    subjects = [
        Subject(
            ctx.spec, look.machine, look.found, ctx.cluster_id, ctx.bundle.architectures, registry, bool(established)
        )
        for look in seen
    ]
    joined = [subject for subject, look in zip(subjects, seen, strict=True) if not _is_new(ctx, look)]
    new = [subject for subject, look in zip(subjects, seen, strict=True) if _is_new(ctx, look)]
    findings = check(new, others=joined)
    findings += await images.findings(ctx, new)
    findings += virtual.findings(ctx, new, exists=bool(established))
    findings += [finding for look in seen for finding in _taken_names(look, existing)]
    findings += skew.check(ctx.spec.version or "", new_ones, existing)
    findings += [finding for look in seen for finding in _blocked(look)]
    findings += [finding for subject in new for finding in runtimes.check(ctx, subject)]
    if new:
        # A flag that a program does not take concerns every machine; one of them stands for all.
        findings += await asyncio.to_thread(flags.check, ctx.spec, ctx.bundle, new[0].machine.name)
    begun = bool(established) or any(
        layout.seat(ctx, look.machine) is Seat.FOUNDER and not _is_new(ctx, look) for look in seen
    )
    findings += await _ask(ctx, seen, findings, begun=begun, goes_on=goes_on and (begun or not failures))
    _report_findings(ctx, seen, findings)
    errors = report.errors(findings)
    stopped = list(dict.fromkeys(finding.machine for finding in errors))
    unreachable = "\n".join(error.message for error in failures.values())
    if errors or (failures and not begun):
        text = "\n".join(part for part in (unreachable, report.message(findings)) if part)
        reason = errors[0].check if errors else next(iter(failures.values())).reason
        ctx.report.cluster(conditions.PREFLIGHT_PASSED, "False", reason, text[: report.MESSAGE_LIMIT])
        for name in stopped:
            own = [finding for finding in errors if finding.machine == name]
            failures[name] = PermanentFailure(own[0].check, report.message(own))
        if not begun:
            ctx.report.cluster(conditions.AVAILABLE, "False", reason, "preflight found what stands in the way")
            raise combined(failures)
    else:
        ctx.report.cluster(
            conditions.PREFLIGHT_PASSED, "True", conditions.SUCCEEDED, report.message(report.warnings(findings))
        )
    return [look for look in seen if look.machine.name not in stopped]


async def _ask(
    ctx: Context, seen: Sequence[Seen], findings: Sequence[Finding], *, begun: bool, goes_on: bool
) -> list[Finding]:
    """Asked last, of machines that nothing else stands in the way of."""
    stopped = {finding.machine for finding in report.errors(findings)}
    if stopped and not begun:
        return []
    fit = [look for look in seen if _is_new(ctx, look) and look.machine.name not in stopped]
    joined = [look for look in seen if not _is_new(ctx, look)]
    return await asking.findings(ctx, fit, joined, exists=begun, goes_on=goes_on)


def _is_new(ctx: Context, look: Seen) -> bool:
    """Not a node of this cluster yet: everything preflight asks still matters."""
    seat = layout.seat(ctx, look.machine)
    if seat is Seat.PLANE:
        return look.found.stage is not Stage.JOINED and look.found.stage is not Stage.FOUNDED
    act = "init" if seat is Seat.FOUNDER else "join"
    return not look.things or bool(look.changes(act, ctx=ctx).changes)


async def _existing_nodes(ctx: Context, seen: Sequence[Seen], *, joins: bool) -> list[nodes.Node]:
    """Nodes that a new machine's name and version are compared with; none where no machine joins a cluster.

    `joins`: one is to join a cluster that exists.
    """
    if not joins and all(machine.name in {look.machine.name for look in seen} for machine in _members(ctx)):
        return []
    stored = await ctx.kubeconfig.load()
    if stored is None:
        return []
    client = access.client(stored)
    try:
        with explained(client.server, doing="look at the nodes"):
            return await nodes.fetch(client)
    except RetryLater:
        return []  # The pass itself will say that the API does not answer.
    finally:
        await client.close()


def _taken_names(look: Seen, existing: Sequence[nodes.Node]) -> list[Finding]:
    own = frozenset(families.declared(look.machine))
    return [
        Finding(
            look.machine.name,
            "HostnameDuplicate",
            f"the cluster already has a Node {node.name}",
            f"with the address {', '.join(sorted(node.addresses))}, not {', '.join(sorted(own))}",
            "Run `hostnamectl set-hostname NAME` on the machine, or delete the old Node if its machine is gone",
        )
        for node in existing
        if node.name == look.node_name and node.addresses and not own & node.addresses
    ]


def _blocked(look: Seen) -> list[Finding]:
    return [
        Finding(look.machine.name, blocked.reason, blocked.message, "", "") for blocked in look.comparison.blocked
    ]


def _report_findings(ctx: Context, seen: Sequence[Seen], findings: Sequence[Finding]) -> None:
    for look in seen:
        own = [finding for finding in findings if finding.machine == look.machine.name]
        errors = report.errors(own)
        status = "False" if errors else "True"
        reason = errors[0].check if errors else conditions.SUCCEEDED
        ctx.report.machine(look.machine.name, conditions.CHECKED, status, reason, report.message(own))


def _outcome(ctx: Context, view: View) -> Outcome:
    """Available: every node is ready; or, with a Custom network, waits for nothing but the plugin."""
    total, endpoint = len(view.machines), f"https://{layout.endpoint(ctx.spec)}"
    custom = layout.on_premises(ctx.spec).network.plugin is NetworkPlugin.CUSTOM
    available, reason, message = True, conditions.SUCCEEDED, f"{view.ready} of {total} nodes are ready"
    if custom and view.network_missing:
        reason = conditions.NETWORK_PLUGIN_MISSING
        message = (
            "all nodes have joined; they become Ready once a network plugin is installed in the cluster "
            "(spec.onPremises.network.plugin is Custom)"
        )
        ctx.report.cluster(conditions.NETWORK_INSTALLED, "False", reason, message)
    elif view.waiting:
        available, reason = False, "NodesNotReady"
        message = "; ".join(
            f"{machine.name}: {'it has no Node' if node is None else f'node {node.name}: {node.reason}'}"
            for machine, node in view.waiting
        )
    elif custom:
        ctx.report.cluster(conditions.NETWORK_INSTALLED, "True", conditions.SUCCEEDED)
    ctx.report.cluster(conditions.AVAILABLE, "True" if available else "False", reason, message)
    versions = sorted({node.version for machine in view.machines if (node := view.node(machine)) is not None})
    return Outcome(
        nodes_ready=view.ready,
        nodes_total=total,
        version=versions[0] if versions else ctx.spec.version or "",
        endpoint=endpoint,
        available=available,
        reason=reason,
        message=message,
    )
