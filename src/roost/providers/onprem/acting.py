"""One act on one machine: what differs goes to it as one script, in one transient unit. Called by the provider."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Final

from roost.api.errors import PermanentFailure, RetryLater, RoostError
from roost.api.masked import Masked
from roost.node import engine
from roost.node.act import Act, ActFailed, Step
from roost.node.engine import Comparison
from roost.node.thing import Thing
from roost.providers.onprem import steps
from roost.providers.onprem.observing import Seen
from roost.providers.onprem.phases import initialize, join, plane
from roost.providers.onprem.progress import Progress
from roost.providers.onprem.sources import sources
from roost.providers.onprem.wish import digest

TITLES: Final[dict[steps.Act, str]] = {
    "prepare": "install programs, container runtime and images",
    "init": "initialize the control plane",
    "join": "join the cluster",
}
TIMEOUT: Final = 1800.0
REASONS: Final = {
    "image:": "ImageNotPulled",
    "archive:": "ProgramNotInstalled",
    "program:": "ProgramNotInstalled",
    "unit:": "UnitNotStarted",
    initialize.READY_KEY: "ControlPlaneNotReady",
    initialize.ENDPOINT_KEY: "EndpointNotForwarding",
    join.JOIN_KEY: "JoinFailed",
    plane.PLANE_KEY: "JoinFailed",
    "kubeadm:": "KubeadmFailed",
}
"""By the beginning of the failed thing's key; the first that fits."""


def reason_of(key: str | None) -> str:
    """The reason for people, by the thing whose change failed."""
    for start, reason in REASONS.items():
        if key is not None and key.startswith(start):
            return reason
    return "ActFailed"


def raise_if_blocked(seen: Seen, comparison: Comparison) -> None:
    """Things that are somebody else's stop the whole act, before anything of it is done."""
    if comparison.blocked:
        text = "\n".join(f"{seen.machine.name}: {blocked.message}" for blocked in comparison.blocked)
        raise PermanentFailure(comparison.blocked[0].reason, text)


async def carry_out(
    progress: Progress,
    seen: Seen,
    name: steps.Act,
    *,
    things: Sequence[Thing] | None = None,
    secrets: tuple[Masked, ...] = (),
    on_step: Callable[[Step], None] = lambda _step: None,
) -> bool:
    """Brings the machine to the wish of one act; True when something had to be done.

    `things` replaces the act's own list by one that holds secrets (the same keys). Raises what stopped it,
    after it was reported.
    """
    ctx, machine = progress.ctx, seen.machine.name
    comparison = seen.changes(name, ctx=ctx)
    try:
        raise_if_blocked(seen, comparison)
        if not comparison.changes:
            progress.done(name, machine)
            return False

        def follow(step: Step) -> None:
            progress.step(name, machine, step)
            on_step(step)

        act = Act(
            cluster_id=ctx.cluster_id,
            name=name,
            title=TITLES[name],
            things=things if things is not None else steps.things(ctx, seen.machine, seen.found, name),
            changes=comparison.changes,
            sources=sources(ctx, seen.found.node.architecture),
            holder=f"roost on {socket.gethostname()} for plan {digest(ctx)}",
            timeout=TIMEOUT,
            secrets=secrets,
        )
        ctx.report.acted(machine, TITLES[name])
        result = await engine.apply(seen.connection, act, on_step=follow)
        try:
            result.raise_if_failed(seen.machine.target)
        except ActFailed as error:
            raise RetryLater(reason_of(error.result.failed_key), error.message) from error
    except RoostError as error:
        progress.failed(name, machine, error)
        raise
    ctx.report.kept(machine, {change.key for change in comparison.changes})
    progress.done(name, machine)
    return True
