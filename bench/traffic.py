"""What roost sent to machines, from its own record: lines «exchange» in the log of the controllers.

Called by the benchmark of creation. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roost.ssh.counting import CONNECT


@dataclass(frozen=True)
class Traffic:
    """Of one machine in some span of the log."""

    connects: int
    commands: int
    """Each is one round trip."""
    sent: int
    """Bytes of scripts and payloads."""


def per_machine(lines: Sequence[Mapping[str, Any]]) -> dict[str, Traffic]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for line in lines:
        if line.get("event") == "exchange":
            found.setdefault(str(line["machine"]), []).append(line)
    return {name: _sum(own) for name, own in found.items()}


def per_role(traffic: Mapping[str, Traffic], roles: Mapping[str, str]) -> dict[str, Traffic]:
    """By role; the most that any machine of the role had. A role without traffic had none."""
    found: dict[str, Traffic] = {}
    for role in dict.fromkeys(roles.values()):
        own = [traffic[name] for name, its in roles.items() if its == role and name in traffic]
        found[role] = Traffic(
            max((each.connects for each in own), default=0),
            max((each.commands for each in own), default=0),
            max((each.sent for each in own), default=0),
        )
    return found


def _sum(lines: Sequence[Mapping[str, Any]]) -> Traffic:
    commands = [line for line in lines if line["title"] != CONNECT]
    return Traffic(len(lines) - len(commands), len(commands), sum(int(line["bytes_sent"]) for line in commands))
