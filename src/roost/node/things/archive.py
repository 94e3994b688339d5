"""Programs: an archive that is unpacked into a directory, or one single file. Both come from a bundle.

A machine is compared by the sha256 of each member. So that 300 MB are not read at each look, an apply
leaves a stamp (size, times, inode, mode of each member); while it fits, the members are as they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Protocol

from roost.node.quote import journal_name, lines, word, words
from roost.node.thing import Action, Blocked, Change, Observed, Payload
from roost.node.things.file import foreign

PROGRAMS: Final = "programs"


class Member(Protocol):
    """One regular file of an archive, as roost.bundle.model.Member has it."""

    @property
    def path(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def mode(self) -> int: ...


@dataclass(frozen=True)
class Archive:
    """A tar.gz whose members are to lie below `destination`, owned by root."""

    name: str
    blob: str
    """Digest of the archive: sha256:…"""
    destination: str
    members: Sequence[Member]
    strip: int = 0
    """Leading path components to drop."""

    @property
    def key(self) -> str:
        return f"archive:{self.name}"

    @property
    def places(self) -> tuple[str, ...]:
        return (self.destination, *(f"{self.destination}/{member.path}" for member in self.members))

    @property
    def temporaries(self) -> tuple[str, ...]:
        return (temporary(self.destination, self.key),)

    def observe(self) -> str:
        return f"members_state {word(self.destination)} {word(self.key)} {listing(self.destination, self.members)}"

    def diff(self, observed: Observed) -> Change | Blocked | None:
        return members_diff(self.key, f"unpack {self.name} into {self.destination}", observed)

    def apply(self, change: Change) -> str:  # noqa: ARG002
        dest, key, members = word(self.destination), word(self.key), listing(self.destination, self.members)
        return (
            f"members_begin {dest} {word(self.temporaries[0])}\n"
            f'tar -xzf "$P/archive" -C "$members_dir" --strip-components={self.strip} --no-same-owner\n'
            f"members_check {key} {members}\n"
            f"{modes(self.members)}\n"
            f"members_install {dest} {key} {members}"
        )

    def payloads(self, change: Change) -> tuple[Payload, ...]:  # noqa: ARG002
        return (Payload("archive", blob=self.blob),)


@dataclass(frozen=True)
class _Single:
    """The only member of a Program."""

    path: str
    sha256: str
    mode: int


@dataclass(frozen=True)
class Program:
    """One executable file, whose blob is the file itself."""

    path: str
    blob: str
    """sha256:… of the file."""
    mode: int = 0o755

    @property
    def key(self) -> str:
        return f"program:{self.path}"

    @property
    def _place(self) -> PurePosixPath:
        return PurePosixPath(self.path)

    @property
    def places(self) -> tuple[str, ...]:
        return (str(self._place.parent), self.path)

    @property
    def temporaries(self) -> tuple[str, ...]:
        return (temporary(str(self._place.parent), self.key),)

    @property
    def _members(self) -> tuple[_Single, ...]:
        return (_Single(self._place.name, self.blob.removeprefix("sha256:"), self.mode),)

    def _listing(self) -> str:
        return listing(str(self._place.parent), self._members)

    def observe(self) -> str:
        return f"members_state {word(str(self._place.parent))} {word(self.key)} {self._listing()}"

    def diff(self, observed: Observed) -> Change | Blocked | None:
        return members_diff(self.key, f"install {self.path}", observed)

    def apply(self, change: Change) -> str:  # noqa: ARG002
        dest, key, name = word(str(self._place.parent)), word(self.key), word(self._place.name)
        return (
            f"members_begin {dest} {word(self.temporaries[0])}\n"
            # Staging has compared it with its digest.
            f'cp -- "$P/program" "$members_dir"/{name}\n'
            f"{modes(self._members)}\n"
            f"members_install {dest} {key} {self._listing()}"
        )

    def payloads(self, change: Change) -> tuple[Payload, ...]:  # noqa: ARG002
        return (Payload("program", blob=self.blob),)


def temporary(destination: str, key: str) -> str:
    """Where members lie until all of them are there; on the same file system, so that a move is one step."""
    return f"{destination}/.roost-{hashlib.sha256(key.encode()).hexdigest()}.tmp"


def listing(destination: str, members: Sequence[Member]) -> str:
    """One shell word: a line `SHA256 MODE JOURNAL-NAME PATH` for each member."""
    return lines(
        [
            f"{member.sha256} {_mode(member)} {journal_name(f'{destination}/{member.path}')} {member.path}"
            for member in members
        ]
    )


def modes(members: Sequence[Member]) -> str:
    """sh that sets the modes of the members in "$members_dir", one process per mode."""
    by_mode: dict[str, list[str]] = {}
    for member in members:
        by_mode.setdefault(_mode(member), []).append(member.path)
    return "\n".join(
        f'(cd "$members_dir" && chmod {mode} -- {words(paths)})' for mode, paths in sorted(by_mode.items())
    )


def _mode(member: Member) -> str:
    return f"{member.mode & 0o7777:o}"


def members_diff(key: str, summary: str, observed: Observed) -> Change | Blocked | None:
    """From the fields wrong (number of members that differ), missing and foreign (a path) of members_state."""
    if observed.get("foreign"):
        return foreign(key, observed["foreign"], ["the content differs"])
    wrong, missing = int(observed["wrong"]), int(observed["missing"])
    if wrong == missing == 0:
        return None
    if wrong == 0 and observed["state"] == "absent":
        return Change(key, Action.CREATE, summary, parallel=PROGRAMS)
    text = f"{summary} ({missing} missing, {wrong} different)"
    return Change(key, Action.UPDATE, text, parallel=PROGRAMS)
