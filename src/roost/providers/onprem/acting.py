"""One act on one machine: what differs goes to it as one script, in one transient unit. Called by the provider."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from roost.api.errors import PermanentFailure, RetryLater, RoostError
from roost.api.masked import Masked
from roost.node import engine
from roost.node.act import Act, ActFailed, Step
from roost.node.engine import Comparison
from roost.node.thing import Thing
from roost.providers.onprem import steps
from roost.providers.onprem.context import Context
from roost.providers.onprem.observing import Seen
from roost.providers.onprem.phases import initialize, join, plane
from roost.providers.onprem.progress import Progress
from roost.providers.onprem.sources import sources
from roost.providers.onprem.wish import digest

TITLES: Final[dict[tuple[steps.Act, ...], str]] = {
    ("prepare",): "install programs, container runtime and images",
    ("init",): "initialize the control plane",
    ("join",): "join the cluster",
    ("prepare", "join"): "install programs, container runtime and images, and join the cluster",
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
    *names: steps.Act,
    things: Sequence[Thing] = (),
    secrets: tuple[Masked, ...] = (),
    on_step: Callable[[Step], None] = lambda _step: None,
) -> bool:
    """Brings the machine to the wish of these acts, in one go; True when something had to be done.

    `things` hold secrets and take the place of those with their keys. Raises what stopped it, after it was reported.
    """
    ctx, machine = progress.ctx, seen.machine.name
    comparison = seen.changes(*names, ctx=ctx)
    stages = _Stages(progress, machine, {name: _keys(ctx, seen, name) for name in names})
    try:
        raise_if_blocked(seen, comparison)
        if not comparison.changes:
            stages.end()
            return False

        def follow(step: Step) -> None:
            stages.step(step)
            on_step(step)

        given = {thing.key: thing for thing in things}
        act = Act(
            cluster_id=ctx.cluster_id,
            name=names[0],
            title=TITLES[names],
            things=[given.get(thing.key, thing) for thing in steps.things(ctx, seen.machine, seen.found, *names)],
            changes=comparison.changes,
            sources=sources(ctx, seen.found.node.architecture),
            holder=f"roost on {socket.gethostname()} for plan {digest(ctx)}",
            timeout=TIMEOUT,
            secrets=secrets,
        )
        ctx.report.acted(machine, act.title)
        result = await engine.apply(seen.connection, act, on_step=follow)
        try:
            result.raise_if_failed(seen.machine.target)
        except ActFailed as error:
            raise RetryLater(reason_of(error.result.failed_key), error.message) from error
    except RoostError as error:
        stages.failed(error)
        raise
    ctx.report.kept(machine, {change.key for change in comparison.changes})
    stages.end()
    return True


def _keys(ctx: Context, seen: Seen, name: steps.Act) -> frozenset[str]:
    return frozenset(thing.key for thing in steps.things(ctx, seen.machine, seen.found, name))


@dataclass
class _Stages:
    """Tells of each act apart, though the machine gets them in one go: the first step of one is the last's end."""

    progress: Progress
    machine: str
    keys: dict[steps.Act, frozenset[str]]
    """By act, in order."""
    at: int = 0

    def step(self, step: Step) -> None:
        names = list(self.keys)
        while self.at + 1 < len(names) and step.key in self.keys[names[self.at + 1]]:
            self.progress.done(names[self.at], self.machine)
            self.at += 1
        self.progress.step(names[self.at], self.machine, step)

    def failed(self, error: RoostError) -> None:
        self.progress.failed(list(self.keys)[self.at], self.machine, error)

    def end(self) -> None:
        for name in list(self.keys)[self.at :]:
            self.progress.done(name, self.machine)
