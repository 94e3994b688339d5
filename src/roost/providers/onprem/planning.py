"""The plan: what differs on each machine and in the cluster's API, with a hash that approval names. Pure.

The hash is that of the wish (wish.py), not of the differences: an approved plan that was cut off half-way still
is the approved one when the work goes on.
"""

from __future__ import annotations

from collections.abc import Sequence

from roost.api.v1alpha1.plan import MachinePlan, PlannedChange, PlanSpec
from roost.providers.onprem.context import Context
from roost.providers.onprem.network import plugins
from roost.providers.onprem.observing import Seen
from roost.providers.onprem.wish import digest


def make(ctx: Context, seen: Sequence[Seen], *, network_missing: bool) -> PlanSpec:
    """Machines in order of their names; those without a difference are left out."""
    machines = [
        MachinePlan(
            name=look.machine.name,
            changes=[
                PlannedChange(thing=change.key, action=change.action.value, summary=change.summary[:4096])
                for change in look.comparison.changes
            ],
        )
        for look in sorted(seen, key=lambda look: look.machine.name)
        if look.comparison.changes
    ]
    objects: list[PlannedChange] = []
    if network_missing and (plugin := plugins.of(ctx)) is not None:
        version = ctx.bundle.components.get(plugin.name, "")
        objects.append(
            PlannedChange(
                thing=f"DaemonSet/{plugin.namespace}/{plugin.daemon_set}",
                action="Create",
                summary=f"install {plugin.name} {version}".strip(),
            )
        )
    return PlanSpec(cluster_name=ctx.cluster_name, hash=digest(ctx), machines=machines, objects=objects)
