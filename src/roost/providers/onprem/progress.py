"""Turns what happens on machines into conditions: of each Machine, and of the Cluster in the order of its phases.

Called by the provider's tasks. Holds only what is being done right now; nothing is read back from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from roost.api import conditions
from roost.api.errors import RoostError
from roost.node.act import Step
from roost.providers.onprem.context import Context

LIMIT: Final = 8000
MACHINE_CONDITION: Final = {
    "prepare": conditions.PREPARED,
    "init": conditions.JOINED,
    "join": conditions.JOINED,
}
CLUSTER_CONDITION: Final = {
    "prepare": conditions.MACHINES_PREPARED,
    "init": conditions.CONTROL_PLANE_INITIALIZED,
    "join": conditions.WORKERS_JOINED,
}


@dataclass
class Progress:
    """One reconcile. `members`: the machines that take part in each act."""

    ctx: Context
    members: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    _done: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    _doing: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    _failed: dict[str, dict[str, RoostError]] = field(default_factory=dict[str, dict[str, RoostError]])

    def expect(self, act: str, machines: Iterable[str]) -> None:
        self.members[act] = set(machines)
        self._report(act)

    def waits(self, act: str, machine: str, message: str) -> None:
        self.ctx.report.machine(machine, MACHINE_CONDITION[act], "False", conditions.WAITING, message)

    def step(self, act: str, machine: str, step: Step) -> None:
        if step.state == "done" and step.number != step.total:
            return  # The next one's start says the same a moment later.
        text = f"{step.summary} ({step.number}/{step.total})"
        self.ctx.report.machine(machine, MACHINE_CONDITION[act], "False", conditions.IN_PROGRESS, text)
        self._doing.setdefault(act, {})[machine] = text
        self._report(act)

    def done(self, act: str, machine: str) -> None:
        self._doing.get(act, {}).pop(machine, None)
        self._done.setdefault(act, set()).add(machine)
        self.ctx.report.machine(machine, MACHINE_CONDITION[act], "True", conditions.SUCCEEDED)
        self._report(act)

    def failed(self, act: str, machine: str, error: RoostError) -> None:
        self._doing.get(act, {}).pop(machine, None)
        self._done.get(act, set()).discard(machine)
        self._failed.setdefault(act, {})[machine] = error
        self.ctx.report.machine(machine, MACHINE_CONDITION[act], "False", error.reason, error.message)
        self._report(act)

    def _report(self, act: str) -> None:
        condition, members = CLUSTER_CONDITION[act], self.members.get(act, set())
        done, failed = self._done.get(act, set()), self._failed.get(act, {})
        if members <= done:
            self.ctx.report.cluster(condition, "True", conditions.SUCCEEDED)
            return
        doing = [f"{machine}: {text}" for machine, text in sorted(self._doing.get(act, {}).items())]
        if failed:
            reasons = [error.message for _, error in sorted(failed.items())]
            reason = next(iter(failed.values())).reason
            self.ctx.report.cluster(condition, "False", reason, "\n".join([*reasons, *doing])[:LIMIT])
        elif doing:
            text = f"{len(done & members)} of {len(members)} done; {'; '.join(doing)}"
            self.ctx.report.cluster(condition, "False", conditions.IN_PROGRESS, text[:LIMIT])
        else:
            waiting = ", ".join(sorted(members - done))
            self.ctx.report.cluster(condition, "False", conditions.WAITING, f"not begun on {waiting}"[:LIMIT])
