"""Puts the engine's sh together: what things contribute, in the frame of node/sh. Pure.

Called by engine.py. Everything that comes from outside is quoted as one word; the scripts hold no
content of files, which travels as payload.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Final

from roost.node.act import Act
from roost.node.facts import FREE_PATHS, PROGRAMS
from roost.node.quote import journal_name, word, words
from roost.node.thing import Change, Placed, Staged, Thing

_CLUSTER_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{3,62}")


def unit_name(cluster_id: str) -> str:
    """Name of the transient unit that runs every act of a cluster on a machine."""
    return f"roost-{cluster_id[:8]}.service"


@cache
def library(name: str) -> str:
    """The text of node/sh/NAME.sh."""
    return resources.files("roost.node").joinpath("sh", f"{name}.sh").read_text()


def head(cluster_id: str) -> str:
    """Variables that every script starts with. Raises ValueError for an id that can't be a directory's name."""
    if not _CLUSTER_ID.fullmatch(cluster_id):
        raise ValueError(f"{cluster_id!r} is not a cluster's id (letters, digits and -, 4 to 63)")
    return f"ID={cluster_id}\nUNIT={unit_name(cluster_id)}\n{library('lib')}"


def observe_script(things: Sequence[Thing], cluster_id: str) -> str:
    """Facts, then each thing after a line `@@thing KEY`; the last line is `@@end`."""
    looks = "\n".join(f"printf '@@thing\\t%s\\n' {word(escape(thing.key))}\n{thing.observe()}" for thing in things)
    return (
        f"{head(cluster_id)}\nPROGRAMS={word(' '.join(PROGRAMS))}\nFREE_PATHS={word(' '.join(FREE_PATHS))}\n"
        f"{library('facts')}\nfacts\n{looks}\nprintf '@@end\\n'\n"
    )


def undo_script(cluster_id: str, *, prelude: str = "") -> str:
    """The journal's own undo, complete in itself."""
    return (
        f"#!/bin/sh\n# Restores this machine to what it was before roost's cluster {cluster_id}:\n"
        f"#   sh /var/lib/roost/{cluster_id}/journal/undo.sh\n"
        f"{head(cluster_id)}\n{prelude}{library('residue')}\n{library('undo')}"
    )


def undo_unit_script(cluster_id: str, directory: str) -> str:
    """The same, as the unit of an undo runs it."""
    prelude = f"S=$R/run/roost/$ID/{directory}\n{library('act')}\nbegin 0\n"
    return undo_script(cluster_id, prelude=prelude)


def act_script(act: Act, directory: str, changes: Sequence[tuple[Thing, Change]], *, fetches: bool) -> str:
    """What the unit runs. `directory`: of the act, below /run/roost/ID."""
    parts = [
        "set -eu",
        head(act.cluster_id),
        library("journal"),
        library("residue"),
        f"S=$R/run/roost/$ID/{directory}",
        library("act"),
    ]
    for number, (thing, change) in enumerate(changes, start=1):
        parts.append(f"step_{number}() {{\n{thing.apply(change)}\n}}")
        parts.append(f"look_{number}() {{\n{thing.observe()}\n}}")
    places = [place for thing, _ in changes if isinstance(thing, Placed) for place in thing.places]
    temporaries = [path for thing, _ in changes if isinstance(thing, Staged) for path in thing.temporaries]
    parts.append(f'begin {len(changes)}\njournal_prepare "$S/undo"\njournal_paths {_named(places)}')
    parts.append(f"journal_temporaries {words(temporaries)}")
    if fetches:
        parts.append("fetch")
    parts.extend(_calls(changes, fetches=fetches))
    parts.append("finish 0 ''\n")
    return "\n".join(parts)


def launch_script(
    cluster_id: str, *, token: str, tar_size: int, wants: Sequence[str], description: str, seconds: float
) -> str:
    """Stages what follows on standard input, starts the unit and follows it. `wants`: lines of sh."""
    return "\n".join(
        [
            "set -eu",
            head(cluster_id),
            library("launch"),
            "refuse_busy",
            f"stage_begin {token} {tar_size}",
            *wants,
            f"start {word(escape(description))} {seconds:.0f}",
            'follow "$S"\n',
        ]
    )


def undo_launch_script(cluster_id: str, *, token: str, tar_size: int, description: str, seconds: float) -> str:
    """Joins a running undo; otherwise stops what runs, stages the undo and follows it."""
    return "\n".join(
        [
            "set -eu",
            head(cluster_id),
            library("launch"),
            "undo_alone",
            f"stage_begin {token} {tar_size}",
            f"start {word(description)} {seconds:.0f}",
            'follow "$S"\n',
        ]
    )


def ask_script(
    cluster_id: str, *, token: str, tar_size: int, probe: str, urls: Sequence[str], seconds: int, keep: bool
) -> str:
    """Has roost-probe (of this sum) try every address with the CA of the same number; a line of JSON for each."""
    asks = "\n".join(f"ask {number} {word(url)} {seconds} &" for number, url in enumerate(urls))
    return "\n".join(
        [
            "set -eu",
            head(cluster_id),
            library("launch"),
            f"ask_begin {token} {tar_size} {'keep' if keep else 'tidy'}",
            f"want_probe 0 {word(probe)}",
            "printf '@@staged\\n'",
            asks,
            f"wait\nanswers {len(urls)}\n",
        ]
    )


def call_script(cluster_id: str, *, token: str, tar_size: int, probe: str, words: Sequence[str], held: bool) -> str:
    """Runs roost-probe (of this sum) with these words; `held`: until standard input ends. No words: only sends it."""
    call = f"{'hold' if held else 'call'} {' '.join(word(each) for each in words)}" if words else ":"
    return "\n".join(
        [
            "set -eu",
            head(cluster_id),
            library("launch"),
            f"ask_begin {token} {tar_size} keep",
            f"want_probe 0 {word(probe)}",
            "printf '@@staged\\n'",
            f"{call}\n",
        ]
    )


def control_script(cluster_id: str, command: str) -> str:
    """A script of one command of launch.sh: join, stop or tidy."""
    return f"set -eu\n{head(cluster_id)}\n{library('launch')}\n{command}\n"


def _named(places: Sequence[str]) -> str:
    return " ".join(f"{journal_name(place)} {word(place)}" for place in places)


def _calls(changes: Sequence[tuple[Thing, Change]], *, fetches: bool) -> list[str]:
    """`step` for each change, `together` for those that say the same word; `fetched` before the first blob."""
    calls: list[str] = []
    together: list[str] = []
    group = ""
    for number, (thing, change) in enumerate(changes, start=1):
        named = f"{number} {word(escape(change.key))} {word(escape(change.summary))}"
        if together and change.parallel != group:
            calls.append("together " + " ".join(together))
            together = []
        if fetches and any(payload.blob for payload in thing.payloads(change)):
            # Before the whole group, whose call comes after its last member.
            calls.append("fetched")
            fetches = False
        group = change.parallel
        if group:
            together.append(named)
        else:
            calls.append(f"step {named}")
    if together:
        calls.append("together " + " ".join(together))
    return calls


def escape(text: str) -> str:
    """One line without tabs, so that it can be a field of a protocol line; unescape() is its inverse."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


def unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t", "r": "\r"}.get(match[1], match[1]), text)
