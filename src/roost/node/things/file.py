"""A regular file with its whole content, mode and owner. Small: the content travels with the script."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from roost.node.quote import path_state, word
from roost.node.thing import Action, Blocked, Change, Observed, Payload


@dataclass(frozen=True)
class File:
    """`on_foreign`: what to do with a file that roost did not write and that differs from the wish."""

    path: str
    content: bytes | str = field(repr=False)
    mode: int = 0o644
    owner: str = "root:root"
    secret: bool = False
    on_foreign: Literal["keep", "replace"] = "keep"

    @property
    def key(self) -> str:
        return f"file:{self.path}"

    @property
    def data(self) -> bytes:
        return self.content.encode() if isinstance(self.content, str) else self.content

    @property
    def digest(self) -> str:
        """sha256 of the content, in hex: what a Unit's restart_key is made of."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def places(self) -> tuple[str, ...]:
        return (self.path,)

    def observe(self) -> str:
        return path_state(self.path)

    def diff(self, observed: Observed) -> Change | Blocked | None:
        state = observed["state"]
        if state == "absent":
            return Change(self.key, Action.CREATE, f"write {self.path} ({self.mode:04o} {self.owner})")
        differences = self._differences(observed)
        if not differences:
            return None
        if observed["journaled"] != "yes" and self.on_foreign == "keep":
            return foreign(self.key, self.path, differences)
        return Change(self.key, Action.UPDATE, f"rewrite {self.path} ({', '.join(differences)})")

    def _differences(self, observed: Observed) -> list[str]:
        if observed["state"] != "file":
            return [f"it is a {observed['state']}, not a file"]
        differences: list[str] = []
        if observed["sha256"] != self.digest:
            differences.append("the content differs")
        if int(observed["mode"], 8) != self.mode:
            differences.append(f"mode {observed['mode']}, wanted {self.mode:o}")
        if observed["owner"] != self.owner:
            differences.append(f"owner {observed['owner']}, wanted {self.owner}")
        return differences

    def apply(self, change: Change) -> str:  # noqa: ARG002
        return f'put_file {word(self.path)} {self.mode:04o} {word(self.owner)} "$P/content" {self.digest}'

    def payloads(self, change: Change) -> tuple[Payload, ...]:  # noqa: ARG002
        return (Payload("content", content=self.data, secret=self.secret),)


def foreign(key: str, path: str, differences: list[str]) -> Blocked:
    """Somebody else's file stands where roost wants its own."""
    return Blocked(
        key,
        "ForeignFile",
        f"{path} is there already and roost did not write it ({', '.join(differences)}); roost keeps it. "
        "Move it away, or make it what roost wants, and the work goes on by itself",
    )
