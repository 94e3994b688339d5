"""A symbolic link."""

from __future__ import annotations

from dataclasses import dataclass

from roost.node.quote import path_state, word
from roost.node.thing import Action, Blocked, Change, Observed, Payload
from roost.node.things.file import foreign


@dataclass(frozen=True)
class Symlink:
    path: str
    target: str

    @property
    def key(self) -> str:
        return f"symlink:{self.path}"

    @property
    def places(self) -> tuple[str, ...]:
        return (self.path,)

    def observe(self) -> str:
        return path_state(self.path)

    def diff(self, observed: Observed) -> Change | Blocked | None:
        if observed["state"] == "absent":
            return Change(self.key, Action.CREATE, f"link {self.path} to {self.target}")
        if observed["state"] == "link" and observed["target"] == self.target:
            return None
        if observed["journaled"] != "yes":
            found = observed.get("target", "")
            return foreign(
                self.key, self.path, [f"it is a link to {found}" if found else f"it is a {observed['state']}"]
            )
        return Change(self.key, Action.UPDATE, f"point {self.path} to {self.target}")

    def apply(self, change: Change) -> str:  # noqa: ARG002
        return f"put_link {word(self.path)} {word(self.target)}"

    def payloads(self, change: Change) -> tuple[Payload, ...]:  # noqa: ARG002
        return ()
