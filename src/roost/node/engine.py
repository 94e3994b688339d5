"""Observes, compares and changes machines: the one way in which roost touches them.

Called by providers. Each function is one exec over a kept connection (connection.run), whatever the
number of things; work on the machine runs as the transient unit `unit_name(cluster_id)`, outlives the
connection, and its fixed name is the lock.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from roost.api.errors import RetryLater
from roost.node import facts as node_facts
from roost.node import scripts
from roost.node.act import Act, ActResult, Step, UnitBusy
from roost.node.facts import NodeFacts
from roost.node.protocol import ActLog, parse_observation
from roost.node.staging import Feed, Staging, directory, pack, stage_act
from roost.node.thing import Blocked, Change, Observed, Thing
from roost.ssh.connection import Command, Connection, Result, Target

OnStep = Callable[[Step], None]
OnLine = Callable[[str], None]

unit_name = scripts.unit_name
_OBSERVE_TIMEOUT: Final = 120.0
_STAGING_TIME: Final = 1800.0
"""Beside the act's own time: blobs may travel over a slow line first."""
_BUSY: Final = 75


@dataclass(frozen=True)
class Observation:
    """What one look at a machine found."""

    facts: NodeFacts
    things: Mapping[str, Observed]
    """By key of the thing."""


@dataclass(frozen=True)
class Comparison:
    """What differs from the wishes. Empty: the machine is as wished."""

    changes: tuple[Change, ...]
    blocked: tuple[Blocked, ...]


async def observe(connection: Connection, things: Sequence[Thing], *, cluster_id: str) -> Observation:
    """Look at all things and the machine itself in ONE round trip; changes nothing."""
    command = Command("look at the machine", scripts.observe_script(things, cluster_id))
    result = await connection.run(command, timeout=_OBSERVE_TIMEOUT)
    parsed = parse_observation(result.stdout)
    if parsed is None:
        raise RetryLater(
            "ObserveFailed",
            f"{_where(connection.target)}: the look at the machine broke off with exit status {result.exit_status} "
            f"({_last(result) or 'it printed nothing'}); roost tries again",
        )
    fields, seen = parsed
    return Observation(node_facts.parse(fields), seen)


def compare(things: Sequence[Thing], observation: Observation) -> Comparison:
    """Ask each thing for its difference, in order. Pure."""
    changes: list[Change] = []
    blocked: list[Blocked] = []
    for thing in things:
        match thing.diff(observation.things[thing.key]):
            case Change() as change:
                changes.append(change)
            case Blocked() as block:
                blocked.append(block)
            case None:
                pass
    return Comparison(tuple(changes), tuple(blocked))


async def apply(
    connection: Connection,
    act: Act,
    *,
    on_step: OnStep = lambda _step: None,
    on_line: OnLine = lambda _line: None,
) -> ActResult:
    """Carry out `act.changes` in order, as one exec: stage, start the unit, follow it, verify.

    Stops at the first change that fails (ActResult.failed_key). Raises UnitBusy when an act of the
    same cluster runs already, ConnectionLost when the connection breaks (the unit goes on: use
    join_running). A cancelled task leaves the unit running. Without changes nothing is sent.
    """
    wanted = {change.key: change for change in act.changes}
    changes = [(thing, wanted[thing.key]) for thing in act.things if thing.key in wanted]
    if not changes:
        return ActResult(act.name, act.title, 0)
    token = secrets.token_hex(6)
    staging = stage_act(act, changes, token)
    script = scripts.launch_script(
        act.cluster_id,
        token=token,
        tar_size=len(staging.tar),
        wants=staging.wants,
        description=f"{act.name} by {act.holder}: {act.title}",
        seconds=act.timeout,
    )
    feed = Feed(staging, act.sources.blobs)
    log = ActLog(
        name=act.name, title=act.title, on_step=on_step, on_line=on_line, on_want=feed.want, on_staged=feed.end
    )
    command = Command(act.title, script, secrets=act.secrets)
    result = await connection.run(
        command, payload=feed.stream(), on_line=log.feed, timeout=act.timeout + _STAGING_TIME
    )
    _refuse_busy(connection.target, log, result)
    return log.result([thing for thing, _ in changes], exit_status=result.exit_status, stderr=result.stderr)


async def join_running(
    connection: Connection, cluster_id: str, *, on_step: OnStep = lambda _step: None, timeout: float = 1800.0
) -> ActResult | None:
    """Follow the act that an earlier holder left running, or collect its result; None: there is none."""
    log = ActLog(on_step=on_step)
    command = Command("join the running act", scripts.control_script(cluster_id, "join"))
    result = await connection.run(command, on_line=log.feed, timeout=timeout)
    if result.exit_status == 0 and not log.name:
        return None
    return log.result((), exit_status=result.exit_status, stderr=result.stderr)


async def stop_running(connection: Connection, cluster_id: str) -> bool:
    """Stop the running act, if any (True). The journal stays consistent; observe afterwards."""
    log = ActLog(on_step=lambda _step: None)
    command = Command("stop the running act", scripts.control_script(cluster_id, "stop"))
    result = await connection.run(command, on_line=log.feed, timeout=60.0)
    if result.exit_status != 0:
        raise RetryLater(
            "StopFailed",
            f"{_where(connection.target)}: {unit_name(cluster_id)} can't be stopped ({_last(result)}); "
            "roost tries again",
        )
    return log.stopped


async def undo(
    connection: Connection, cluster_id: str, *, on_step: OnStep = lambda _step: None, timeout: float = 900.0
) -> ActResult:
    """Restore the machine from the journal of `cluster_id`, as a unit too; ok when nothing is left to undo.

    Joins an undo that already runs; stops any other act of the cluster first. Idempotent.
    `ActResult.evidence` lists what was kept (files that somebody changed after roost: NAME.roost-kept).
    """
    token = secrets.token_hex(6)
    title = "restore the machine"
    staging = Staging(
        pack(
            {
                "act": scripts.undo_unit_script(cluster_id, directory(token)).encode(),
                "title": f"undo\t{title}".encode(),
            }
        )
    )
    feed = Feed(staging, None)
    log = ActLog(name="undo", title=title, on_step=on_step, on_staged=feed.end)
    script = scripts.undo_launch_script(
        cluster_id, token=token, tar_size=len(staging.tar), description=f"undo by roost: {title}", seconds=timeout
    )
    result = await connection.run(
        Command(title, script), payload=feed.stream(), on_line=log.feed, timeout=timeout + 60.0
    )
    _refuse_busy(connection.target, log, result)
    return log.result((), exit_status=result.exit_status, stderr=result.stderr)


def _refuse_busy(target: Target, log: ActLog, result: Result) -> None:
    if result.exit_status == _BUSY and log.busy is not None:
        description, since = log.busy
        raise UnitBusy(
            f"{_where(target)}: another act of this cluster is at work there since {since} ({description}); "
            "roost joins it and then looks again"
        )


def _where(target: Target) -> str:
    return f"{target.name} ({target.address}:{target.port})"


def _last(result: Result) -> str:
    return "; ".join((result.stderr or result.stdout).strip().splitlines()[-3:])
