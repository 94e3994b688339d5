"""The abstraction that roost stands on: a thing on a machine, and the change that brings it to its wish.

A thing is a frozen value: it holds the wish, never a connection. It contributes pieces of POSIX sh,
which the engine puts together into one script for one round trip:

- `observe()` prints facts about the present state,
- `apply(change)` brings the present state to the wish, writing before-images to the journal first,
- undo is data in the journal, carried out by the journal's own script (node/sh/undo.sh).

After an apply the engine observes the thing once more and asks `diff` again: that is the verification,
so no thing needs a check of its own.

Scripts address files as `"$R/etc/…"`: R is empty on a machine and a directory in unit tests. They may
use the functions of node/sh/lib.sh and, in `apply`, those of node/sh/journal.sh; the payloads of the
change are files in the directory `$P`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable


class Action(StrEnum):
    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"
    RUN = "Run"


@dataclass(frozen=True)
class Change:
    """What has to happen to one thing. `summary` is for people and holds no secret."""

    key: str
    action: Action
    summary: str
    parallel: str = ""
    """May run at the same time as its neighbours in the list that say the same word (programs, images). Only
    one of them may make entries in the journal; what the others need there is among `places` and `temporaries`."""


@dataclass(frozen=True)
class Blocked:
    """A thing that roost must not touch as it is, such as a file of somebody else.

    `reason` is CamelCase; `message` gives cause, evidence and remedy (the caller adds the machine).
    """

    key: str
    reason: str
    message: str


@dataclass(frozen=True)
class Payload:
    """Bytes that an apply script needs, staged beside it under `name` before it starts.

    Exactly one of `content` (small, sent over SSH) and `blob` (a key of the act's BlobSource: a digest
    in the bundle, fetched from roost's registry or streamed over SSH) is set.
    """

    name: str
    content: bytes | None = None
    blob: str | None = None
    secret: bool = False


class BlobSource(Protocol):
    """Gives the bytes of a blob for streaming over SSH. `key` is `sha256:…` or a name the source knows."""

    def open(self, key: str) -> AsyncIterator[bytes]: ...


Observed = Mapping[str, str]
"""What observe() printed for one thing: field to value. An absent thing has `state` = `absent`."""


class Thing(Protocol):
    @property
    def key(self) -> str:
        """Unique among the things of a machine and stable, such as `file:/etc/hosts`."""
        ...

    def observe(self) -> str:
        """sh that prints fields with `field NAME VALUE`; changes nothing; never fails on an absent thing."""
        ...

    def diff(self, observed: Observed) -> Change | Blocked | None:
        """None when the machine already is as wished."""
        ...

    def apply(self, change: Change) -> str:
        """sh (set -eu) that carries the change out. May use the journal's functions (node/sh/journal.sh)."""
        ...

    def payloads(self, change: Change) -> tuple[Payload, ...]:
        """What `apply` needs beside it; empty for most things."""
        ...


@runtime_checkable
class Placed(Protocol):
    """A thing that knows beforehand what it writes: those paths are journaled together, before the first step."""

    @property
    def places(self) -> tuple[str, ...]: ...


@runtime_checkable
class Staged(Protocol):
    """A thing that makes directories of its own on the way: they are journaled then, too, and go with an undo."""

    @property
    def temporaries(self) -> tuple[str, ...]: ...
