"""Observes, compares and changes machines: the one way in which roost touches them.

Called by providers. Each function is one exec over a kept connection (connection.run), whatever the
number of things; work on the machine runs as the transient unit `unit_name(cluster_id)`, outlives the
connection, and its fixed name is the lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from roost.node.act import Act, ActResult, Step
from roost.node.facts import NodeFacts
from roost.node.thing import Blocked, Change, Observed, Thing
from roost.ssh.connection import Connection

OnStep = Callable[[Step], None]


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


def unit_name(cluster_id: str) -> str:
    """Name of the transient unit that runs every act of a cluster on a machine."""
    return f"roost-{cluster_id[:8]}.service"


async def observe(connection: Connection, things: Sequence[Thing], *, cluster_id: str) -> Observation:
    """Look at all things and the machine itself in ONE round trip; changes nothing."""
    raise NotImplementedError


def compare(things: Sequence[Thing], observation: Observation) -> Comparison:
    """Ask each thing for its difference, in order. Pure."""
    raise NotImplementedError


async def apply(
    connection: Connection,
    act: Act,
    *,
    on_step: OnStep = lambda _step: None,
    on_line: Callable[[str], None] = lambda _line: None,
) -> ActResult:
    """Carry out `act.changes` in order, as one exec: stage, start the unit, follow it, verify.

    Stops at the first change that fails (ActResult.failed_key). Raises UnitBusy when an act of the
    same cluster runs already, ConnectionLost when the connection breaks (the unit goes on: use
    join_running). A cancelled task leaves the unit running.
    """
    raise NotImplementedError


async def join_running(
    connection: Connection, cluster_id: str, *, on_step: OnStep = lambda _step: None, timeout: float = 1800.0
) -> ActResult | None:
    """Follow the act that an earlier holder left running, or collect its result; None: there is none."""
    raise NotImplementedError


async def stop_running(connection: Connection, cluster_id: str) -> bool:
    """Stop the running act, if any (True). The journal stays consistent; observe afterwards."""
    raise NotImplementedError


async def undo(
    connection: Connection, cluster_id: str, *, on_step: OnStep = lambda _step: None, timeout: float = 900.0
) -> ActResult:
    """Restore the machine from the journal of `cluster_id`, as a unit too; ok when nothing is left to undo.

    Joins an undo that already runs; stops any other act of the cluster first. Idempotent.
    `ActResult.evidence` lists what was kept (files that somebody changed after roost: NAME.roost-kept).
    """
    raise NotImplementedError
