"""The abstraction that roost stands on: a thing on a machine, and the change that brings it to its wish.

A thing is a frozen value: it holds the wish, never a connection. It contributes three pieces of POSIX
sh, which the engine puts together into one script for one round trip:

- `observe()` prints facts about the present state,
- `apply(change)` brings the present state to the wish, writing before-images to the journal first,
- undo is data in the journal, carried out by the journal's own script (node/journal.py).

Scripts address files as `"$R/etc/…"`: R is empty on a machine and a directory in unit tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


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


@dataclass(frozen=True)
class Payload:
    """Bytes that an apply script needs, staged beside it under `name` before it starts.

    Exactly one of `content` (small, sent over SSH) and `blob` (a digest in the bundle, fetched from
    roost's registry or streamed over SSH) is set.
    """

    name: str
    content: bytes | None = None
    blob: str | None = None
    secret: bool = False


Observed = Mapping[str, str]
"""What observe() printed for one thing: field to value. An absent thing has `state` = `absent`."""


class Thing(Protocol):
    @property
    def key(self) -> str:
        """Unique among the things of a machine and stable, such as `file:/etc/hosts`."""
        ...

    def observe(self) -> str:
        """sh that prints `field<TAB>value` lines; changes nothing; never fails on an absent thing."""
        ...

    def diff(self, observed: Observed) -> Change | None:
        """None when the machine already is as wished."""
        ...

    def apply(self, change: Change) -> str:
        """sh (set -eu) that carries the change out. May use the journal's functions (node/journal.py)."""
        ...

    def payloads(self, change: Change) -> tuple[Payload, ...]:
        """What `apply` needs beside it; empty for most things."""
        ...
