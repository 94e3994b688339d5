"""A directory with mode and owner. One that existed keeps its contents; undo removes it only when empty."""

from __future__ import annotations

from dataclasses import dataclass

from roost.node.quote import path_state, word
from roost.node.thing import Action, Blocked, Change, Observed, Payload
from roost.node.things.file import foreign


@dataclass(frozen=True)
class Directory:
    """A directory that was there before roost keeps its mode and owner."""

    path: str
    mode: int = 0o755
    owner: str = "root:root"

    @property
    def key(self) -> str:
        return f"directory:{self.path}"

    @property
    def places(self) -> tuple[str, ...]:
        return (self.path,)

    def observe(self) -> str:
        return path_state(self.path)

    def diff(self, observed: Observed) -> Change | Blocked | None:
        if observed["state"] == "absent":
            return Change(self.key, Action.CREATE, f"make {self.path} ({self.mode:04o} {self.owner})")
        if observed["state"] != "directory":
            return foreign(self.key, self.path, [f"it is a {observed['state']}, not a directory"])
        same = int(observed["mode"], 8) == self.mode and observed["owner"] == self.owner
        if same or observed["journaled"] != "yes":
            return None
        return Change(
            self.key,
            Action.UPDATE,
            f"set {self.path} to {self.mode:04o} {self.owner} (it is {observed['mode']} {observed['owner']})",
        )

    def apply(self, change: Change) -> str:  # noqa: ARG002
        return f"put_directory {word(self.path)} {self.mode:04o} {word(self.owner)}"

    def payloads(self, change: Change) -> tuple[Payload, ...]:  # noqa: ARG002
        return ()
