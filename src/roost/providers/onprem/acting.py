"""One act on one machine: what differs goes to it as one script, in one transient unit. Called by the provider."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Mapping, Sequence, Set
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
    own: dict[steps.Act, list[Thing]] = {name: steps.things(ctx, seen.machine, seen.found, name) for name in names}
    stages = _Stages(progress, machine, own, {change.key for change in comparison.changes})
    failed: str | None = None
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
            things=[given.get(thing.key, thing) for part in own.values() for thing in part],
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
            failed = error.result.wrong_key
            raise RetryLater(reason_of(error.result.failed_key), error.message) from error
    except RoostError as error:
        stages.failed(error, failed)
        raise
    ctx.report.kept(machine, {change.key for change in comparison.changes})
    stages.end()
    return True


class _Stages:
    """Tells of each act apart, though the machine gets them in one go."""

    def __init__(
        self, progress: Progress, machine: str, acts: Mapping[steps.Act, Collection[Thing]], changing: Set[str]
    ) -> None:
        self._progress = progress
        self._machine = machine
        self._act: dict[str, steps.Act] = {thing.key: act for act, things in acts.items() for thing in things}
        self._left: dict[steps.Act, set[str]] = {act: set() for act in acts}
        for key in changing:
            self._left[self._act[key]].add(key)

    def step(self, step: Step) -> None:
        act = self._act.get(step.key) or self._first()
        self._progress.step(act, self._machine, step)
        if step.state == "done":
            self._left[act].discard(step.key)
            # The last one counts when what it left was looked at.
            if not self._left[act] and any(self._left.values()):
                self._progress.done(act, self._machine)

    def failed(self, error: RoostError, key: str | None = None) -> None:
        """`key`: the thing that failed, if it is known."""
        self._progress.failed(self._act.get(key or "") or self._first(), self._machine, error)

    def end(self) -> None:
        for act in self._left:
            self._progress.done(act, self._machine)

    def _first(self) -> steps.Act:
        """The one that the machine is at."""
        acts: list[steps.Act] = [act for act, left in self._left.items() if left]
        return (acts or [*self._left])[0]
