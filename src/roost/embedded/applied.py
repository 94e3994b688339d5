"""Whether the API holds everything that this roost puts into it, by a stamp of the last time it did.

A start that finds the stamp current says «ready» first and looks after that again in full, so that what
somebody removed meanwhile comes back. Called by sequence. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import roost
from roost.embedded import record as records
from roost.embedded.files import write_private
from roost.embedded.layout import Layout
from roost.embedded.record import Record

_SOURCES = ("api", "admission", "embedded")
"""Rooms whose code decides what is applied."""


def kinds(layout: Layout, record: Record) -> frozenset[str] | None:
    """Plural names of what was applied, where the stamp is current; else None."""
    try:
        stamp: dict[str, Any] = json.loads(layout.applied.read_bytes())
        return frozenset(stamp["kinds"]) if stamp["mark"] == _mark(layout, record) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def stamp(layout: Layout, record: Record, *, plurals: Iterable[str]) -> None:
    write_private(layout.applied, json.dumps({"mark": _mark(layout, record), "kinds": sorted(plurals)}))


def forget(layout: Layout) -> None:
    layout.applied.unlink(missing_ok=True)


def _mark(layout: Layout, record: Record) -> str:
    package = Path(roost.__file__).parent
    files = sorted(file for room in _SOURCES for file in (package / room).rglob("*.py"))
    states = [(str(file.relative_to(package)), file.stat()) for file in files]
    lines = [records.encode(record), layout.certificate("platform-ca").read_text()]
    lines += [f"{name} {status.st_size} {status.st_mtime_ns}" for name, status in states]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
