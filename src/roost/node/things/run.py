"""Work that is a program's own (kubeadm phases): a guard tells whether it is done, a script does it.

Also Fact: only a look, for what no thing describes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from roost.node.thing import Action, Blocked, Change, Observed, Payload


@dataclass(frozen=True)
class RunOnce:
    """`guard` prints `field state done` or `field state needed` (or `blocked` with `field message …`).

    It may print more fields; they stand in the Observation. What the script leaves on the machine
    is undone by a Residue, or by calling the journal's functions in the script.
    """

    key: str
    """Such as run:kubeadm-init-certs."""
    summary: str
    guard: str
    script: str = field(repr=False)
    files: tuple[Payload, ...] = field(default=(), repr=False)
    """Found by the script as "$P/NAME"."""
    parallel: str = ""
    """May run at the same time as its neighbours in the list that say the same word."""

    def observe(self) -> str:
        return f"(\n{self.guard}\n)"

    def diff(self, observed: Observed) -> Change | Blocked | None:
        state = observed.get("state", "needed")
        if state == "done":
            return None
        if state == "blocked":
            return Blocked(self.key, observed.get("reason", "Blocked"), observed.get("message", self.summary))
        return Change(self.key, Action.RUN, self.summary, parallel=self.parallel)

    def apply(self, change: Change) -> str:  # noqa: ARG002
        return self.script

    def payloads(self, change: Change) -> tuple[Payload, ...]:  # noqa: ARG002
        return self.files


@dataclass(frozen=True)
class Fact:
    """Prints fields, never needs a change."""

    key: str
    script: str

    def observe(self) -> str:
        return f"(\n{self.script}\n)"

    def diff(self, observed: Observed) -> Change | Blocked | None:  # noqa: ARG002
        return None

    def apply(self, change: Change) -> str:  # noqa: ARG002
        return ":"

    def payloads(self, change: Change) -> tuple[Payload, ...]:  # noqa: ARG002
        return ()
