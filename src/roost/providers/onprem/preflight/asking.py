"""What preflight asks through the helper, of machines that nothing else stands in the way of.

Who answers (trust.py), what passes between machines (forwarding.py, vrrp.py), what the endpoint's name means. The
helper has to be sent for it, so this comes last. Called by the provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from roost.api.errors import RoostError
from roost.api.v1alpha1.machine import Role
from roost.bundle.archive import BundleBlobs
from roost.node.calling import Helper
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context
from roost.providers.onprem.observing import Seen
from roost.providers.onprem.planes import Stage
from roost.providers.onprem.preflight import dialling, forwarding, report, trust, virtual, vrrp
from roost.providers.onprem.preflight.report import Finding
from roost.providers.onprem.vip import address


async def findings(
    ctx: Context, new: Sequence[Seen], joined: Sequence[Seen], *, exists: bool, goes_on: bool
) -> list[Finding]:
    """`new`: machines to be made part of the cluster; `joined`: those looked at that are; `goes_on`: acts follow."""
    planes = [look for look in new if look.machine.spec.role is Role.CONTROL_PLANE]
    passes = bool(planes) and (address.wanted(ctx.spec) is not None or bool(forwarding.ways(ctx)))
    found = await trust.findings(ctx, new, exists=exists, keep=goes_on or passes)
    if passes:
        found += await _passage(ctx, new, joined, exists=exists)
        found += await _name(ctx, planes[0].machine.name)
    errors = {finding.machine for finding in report.errors(found)}
    if not goes_on and passes:
        await trust.leave(ctx, [*new, *joined])
    elif goes_on and errors:
        await trust.leave(ctx, [look for look in new if not exists or look.machine.name in errors])
    return found


async def _passage(ctx: Context, new: Sequence[Seen], joined: Sequence[Seen], *, exists: bool) -> list[Finding]:
    """The helper is sent first, so that all begin at once."""
    planes = [look for look in [*joined, *new] if look.machine.spec.role is Role.CONTROL_PLANE]
    # Its own files may be wanting: it is a control plane of the cluster all the same.
    fresh = [look.machine for look in planes if look.found.stage not in (Stage.FOUNDED, Stage.JOINED)]
    if not fresh:
        return []
    with_vip = address.wanted(ctx.spec) is not None
    old = [look for look in joined if with_vip and look.machine.spec.role is Role.CONTROL_PLANE]
    helpers = await _staged(ctx, [*new, *old])
    asked = {look.machine.name: helpers[look.machine.name] for look in new if look.machine.name in helpers}
    forwarded, spoken = await asyncio.gather(
        forwarding.findings(ctx, asked, fresh, exists=exists),
        vrrp.findings(ctx, helpers, [look.machine for look in planes], {machine.name for machine in fresh}),
    )
    return [*forwarded, *spoken]


async def _staged(ctx: Context, looks: Sequence[Seen]) -> dict[str, Helper]:
    """By machine; one that can't be asked now is looked at again by the act that follows."""

    async def one(look: Seen) -> Helper | None:
        digest = ctx.bundle.program("roost-probe", look.found.node.architecture).digest
        helper = Helper(look.connection, ctx.cluster_id, BundleBlobs(ctx.bundle), digest)
        try:
            await helper.stage()
        except RoostError:
            return None
        return helper

    staged = await asyncio.gather(*(one(look) for look in looks))
    return {look.machine.name: helper for look, helper in zip(looks, staged, strict=True) if helper is not None}


async def _name(ctx: Context, machine: str) -> list[Finding]:
    """The platform dials the endpoint's name too, unless there is an external access. `machine` stands for all."""
    wanted, vip = layout.on_premises(ctx.spec).control_plane_endpoint, address.wanted(ctx.spec)
    if vip is None or wanted.external_access is not None or not virtual.is_name(ctx.spec):
        return []
    return list(virtual.named(vip, wanted.host, await dialling.resolve(wanted.host), machine, by="the platform"))
