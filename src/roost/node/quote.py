"""Quoting for the scripts that things contribute: whatever a path or a value holds, sh sees one word."""

from __future__ import annotations

import hashlib
import shlex


def word(value: str) -> str:
    """`value` as one word of POSIX sh. NUL can't be part of one: ValueError."""
    if "\0" in value:
        raise ValueError(f"a NUL byte can't be part of a shell word: {value!r}")
    return shlex.quote(value)


def words(values: tuple[str, ...] | list[str]) -> str:
    return " ".join(word(value) for value in values)


def lines(values: tuple[str, ...] | list[str]) -> str:
    """One word that holds each value on a line of its own. Values with a line break: ValueError."""
    for value in values:
        if "\n" in value:
            raise ValueError(f"a line break can't be part of {value!r} here")
    return word("".join(f"{value}\n" for value in values))


def journal_name(path: str) -> str:
    """The journal's name of a path, as sh's `hash` makes it; worked out here, it costs the machine no process."""
    return hashlib.sha256(f"path:{path}".encode()).hexdigest()


def path_state(path: str) -> str:
    """Call of path_state in sh/lib.sh."""
    return f"path_state {word(path)} {journal_name(path)}"
