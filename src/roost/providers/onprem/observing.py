"""One look at one machine: connect, see what runs, observe everything, compare.

Called by the provider for reconcile, plan and removal. A look is one round trip; a second, small one follows
only where a guess that decides what to ask for (host name, control groups) was wrong.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from roost.api import conditions
from roost.api.errors import RoostError
from roost.api.v1alpha1.machine import Difference, MachineFacts
from roost.bundle.remote import parse_address
from roost.node import engine
from roost.node.engine import Comparison, Observation
from roost.node.facts import NodeFacts, RunningAct
from roost.node.thing import Action, Change, Observed, Thing
from roost.providers.onprem import layout, steps
from roost.providers.onprem.context import Context, MachineInput
from roost.providers.onprem.preflight.look import LOOK_KEY, Found, look, parse
from roost.providers.onprem.progress import MACHINE_CONDITION
from roost.providers.onprem.wish import digest
from roost.ssh.connection import Connection

_MACHINES: Final = {"amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Seen:
    """A machine as it was at the last look."""

    machine: MachineInput
    connection: Connection
    found: Found
    observed: Mapping[str, Observed]
    things: tuple[Thing, ...]
    comparison: Comparison
    node_name: str

    def changes(self, *acts: steps.Act, ctx: Context) -> Comparison:
        """The part of the comparison that belongs to these acts."""
        keys = {thing.key for thing in steps.things(ctx, self.machine, self.found, *acts)}
        return Comparison(
            changes=tuple(change for change in self.comparison.changes if change.key in keys),
            blocked=tuple(blocked for blocked in self.comparison.blocked if blocked.key in keys),
        )

    def with_change(self, key: str, summary: str) -> Seen:
        """The same look with one change that the machine itself could not tell the need of."""
        return replace(self, comparison=Comparison((Change(key, Action.RUN, summary),), ()))

    def beside(self, key: str, word: str) -> Seen:
        """The same, with the change of this key done at the same time as its neighbours that say the word."""
        changes = tuple(
            replace(change, parallel=word) if change.key == key else change for change in self.comparison.changes
        )
        return replace(self, comparison=replace(self.comparison, changes=changes))

    @property
    def settled(self) -> bool:
        return not self.comparison.changes and not self.comparison.blocked


def targets(ctx: Context) -> dict[str, tuple[str, int]]:
    """What every machine has to reach; tried in preflight."""
    endpoint = layout.on_premises(ctx.spec).control_plane_endpoint
    found = {"endpoint": (endpoint.host, endpoint.port)}
    if ctx.registry is not None:
        address = parse_address(ctx.registry.address)
        found["registry"] = (address.host, address.port)
    return found


def guess(ctx: Context, machine: MachineInput) -> Found:
    """What is most likely found, to ask everything at once: a host named as its Machine, managed by systemd."""
    architecture = ctx.bundle.architectures[0] if ctx.bundle.architectures else "amd64"
    return Found(
        node=NodeFacts(
            hostname=machine.name,
            machine=_MACHINES.get(architecture, architecture),
            cgroup_version=2,
            systemd_cgroups=True,
        )
    )


async def look_at(ctx: Context, machine: MachineInput) -> Seen:
    """Raises the errors of ssh.errors; the condition Reachable is reported either way."""
    try:
        connection = await ctx.connect(machine.target)
        observation, clock = await _observe(ctx, connection, [_look(ctx), *_guessed(ctx, machine)])
        if observation.facts.running is not None:
            # An act that an earlier process started: only after its end is there truth.
            await _follow(ctx, machine, connection, observation.facts.running)
            observation, clock = await _observe(ctx, connection, [_look(ctx), *_guessed(ctx, machine)])
    except RoostError as error:
        ctx.report.machine(machine.name, conditions.REACHABLE, "False", error.reason, error.message)
        raise
    ctx.report.machine(machine.name, conditions.REACHABLE, "True", conditions.SUCCEEDED)
    found = parse(observation.things[LOOK_KEY], observation.facts, observer_clock=clock)
    return await _compare(ctx, machine, connection, found, observation, _guessed(ctx, machine))


async def reconsider(ctx: Context, look: Seen) -> Seen:
    """The same look for another wish: only what was not asked yet is asked now."""
    observation = Observation(look.found.node, look.observed)
    return await _compare(ctx, look.machine, look.connection, look.found, observation, list(look.things))


async def _follow(ctx: Context, machine: MachineInput, connection: Connection, running: RunningAct) -> None:
    name = running.description.split(" ", 1)[0]
    if name in MACHINE_CONDITION and digest(ctx) not in running.description:
        # The spec was corrected meanwhile: what this act would still do is not wished any more.
        await engine.stop_running(connection, ctx.cluster_id)
        ctx.report.event(machine.name, "ActStopped", f"{machine.name}: stopped what an older spec asked for: {name}")
        return
    condition = MACHINE_CONDITION.get(name, conditions.PREPARED)

    def tell(text: str) -> None:
        ctx.report.machine(machine.name, condition, "False", conditions.IN_PROGRESS, text)

    tell(f"following what runs on the machine since {running.since}: {running.description}")
    await engine.join_running(
        connection,
        ctx.cluster_id,
        on_step=lambda step: tell(f"{step.summary} ({step.number}/{step.total}), begun by an earlier run"),
    )


def _look(ctx: Context) -> Thing:
    return look(targets(ctx), data_directory=layout.on_premises(ctx.spec).runtime.data_directory)


def _guessed(ctx: Context, machine: MachineInput) -> list[Thing]:
    return steps.things(ctx, machine, guess(ctx, machine))


async def _observe(ctx: Context, connection: Connection, things: list[Thing]) -> tuple[Observation, float]:
    """The observation and the observer's clock in its middle."""
    before = time.time()
    observation = await engine.observe(connection, things, cluster_id=ctx.cluster_id)
    return observation, (before + time.time()) / 2


async def _compare(
    ctx: Context,
    machine: MachineInput,
    connection: Connection,
    found: Found,
    observation: Observation,
    observed: list[Thing],
) -> Seen:
    name = layout.node_name(ctx.spec, machine, found.node.hostname)
    _report_facts(ctx, machine, connection, found, name)
    # An architecture that the bundle has not got is a finding; there is nothing to compare then.
    known = found.node.architecture in ctx.bundle.architectures
    things = steps.things(ctx, machine, found) if known else []
    asked = {thing.key: thing.observe() for thing in observed}
    unasked = [thing for thing in things if asked.get(thing.key) != thing.observe()]
    if unasked:
        again = await engine.observe(connection, unasked, cluster_id=ctx.cluster_id)
        observation = replace(observation, things={**observation.things, **again.things})
    comparison = engine.compare(things, observation)
    if known:
        ctx.report.looked(machine.name, [thing.key for thing in things], differences(comparison))
    return Seen(
        machine=machine,
        connection=connection,
        found=found,
        observed=observation.things,
        things=tuple(things),
        comparison=comparison,
        node_name=name,
    )


def differences(comparison: Comparison) -> list[Difference]:
    """What is not as wished, for people. Pure."""
    changes = [
        Difference(thing=change.key, action=change.action.value, summary=change.summary[:512])
        for change in comparison.changes
    ]
    blocked = [Difference(thing=one.key, action="Blocked", summary=one.message[:512]) for one in comparison.blocked]
    return [*blocked, *changes]


def _report_facts(ctx: Context, machine: MachineInput, connection: Connection, found: Found, node_name: str) -> None:
    node = found.node
    ctx.report.facts(
        machine.name,
        MachineFacts(
            hostname=node.hostname,
            operating_system=node.os_name,
            kernel=node.kernel,
            architecture=node.architecture,
            cpus=node.cpus,
            memoryMiB=node.memory // (1024 * 1024),
        ),
        host_key=connection.host_key,
        node_name=node_name,
    )
