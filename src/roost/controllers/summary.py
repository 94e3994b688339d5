"""`status.phase` and `status.message`: what conditions say, in a word and a line for people. Pure.

Read by nothing in roost. Called by the status writer before each write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from roost.api import conditions as c
from roost.controllers.runtime.status import Said

TROUBLE: Final = "trouble"
"""Note: `permanent` or `transient` while the last run failed, else empty."""
HOLD: Final = "hold"
"""Note: Paused or AwaitingApproval while a plan stands that is not carried out."""
CAUSE: Final = "cause"
"""Note: message of the last run's error where no condition carries it."""


def of_cluster(
    said: Mapping[str, Said], fields: Mapping[str, Any], notes: Mapping[str, Any]
) -> dict[str, str | int | None]:
    phase, message = _cluster(said, fields, notes)
    message = _one_line(message)
    return {"phase": phase, "message": message + _retry(fields) if notes.get(TROUBLE) else message}


def _cluster(said: Mapping[str, Said], fields: Mapping[str, Any], notes: Mapping[str, Any]) -> tuple[str, str]:
    going = said.get(c.DELETING)
    if going is not None and going.status == "True":
        return "Deleting", going.message
    hold = notes.get(HOLD) or _held(said)
    if hold:
        return hold, next((item.message for item in said.values() if item.reason == hold), "")
    available = said.get(c.AVAILABLE)
    broken = _broken(said, c.CLUSTER_PHASES)
    running = available is not None and available.status == "True"
    if notes.get(TROUBLE) == "permanent":
        cause = broken.message if broken else str(notes.get(CAUSE) or "")
        return ("Degraded" if running else "Failed"), cause
    if running:
        pending = broken or _current(said, c.CLUSTER_PHASES)
        if pending is not None:
            return "Updating", pending.message
        return "Running", str(notes.get(CAUSE) or (available.message if available else ""))
    if fields.get("availableTime"):
        return "Unavailable", available.message if available else ""
    if broken is not None and broken is not available:
        return "Creating", broken.message
    if c.PARSED in said:
        return "Importing", available.message if available else ""
    current = _current(said, c.CLUSTER_PHASES)
    if current is None or (current.reason == c.WAITING and not fields.get("startedTime")):
        return "Pending", current.message if current else ""
    return "Creating", current.message


def of_machine(
    said: Mapping[str, Said], fields: Mapping[str, Any], _notes: Mapping[str, Any]
) -> dict[str, str | int | None]:
    phase, message = _machine(said)
    message = _one_line(message)
    return {"phase": phase, "message": message + _retry(fields) if phase == "Failed" else message}


def _machine(said: Mapping[str, Said]) -> tuple[str, str]:
    going = said.get(c.DELETING)
    if going is not None and going.status == "True":
        return "Deleting", going.message
    if going is not None and going.reason == c.SUCCEEDED:
        return "Restored", "the machine is as it was before roost"
    if going is not None:
        return "DeletionRefused", going.message
    ready = said.get(c.READY)
    joined = said.get(c.JOINED)
    broken = _broken(said, c.MACHINE_PHASES)
    if ready is not None and ready.status == "True" and broken is None:
        return "Ready", ""
    if joined is not None and joined.status == "True":
        return "NotReady", (broken or ready or joined).message
    if broken is not None:
        return "Failed", broken.message
    current = _current(said, c.MACHINE_PHASES)
    if current is None or current.reason == c.WAITING:
        return "Pending", current.message if current else ""
    return {c.REACHABLE: "Connecting", c.CHECKED: "Checking", c.PREPARED: "Preparing"}.get(
        _current_type(said, c.MACHINE_PHASES) or "", "Joining"
    ), current.message


def _held(said: Mapping[str, Said]) -> str:
    for item in said.values():
        if item.status != "True" and item.reason in {c.PAUSED, c.AWAITING_APPROVAL}:
            return item.reason
    return ""


_UNDER_WAY: Final = frozenset({c.WAITING, c.IN_PROGRESS, c.PAUSED, c.AWAITING_APPROVAL})
"""Reasons of a condition that is not True yet and of which nothing is wrong."""


def _broken(said: Mapping[str, Said], order: tuple[str, ...]) -> Said | None:
    """The first phase that went wrong."""
    for kind in order:
        if kind in said and said[kind].status == "False" and said[kind].reason not in _UNDER_WAY:
            return said[kind]
    return None


def _current_type(said: Mapping[str, Said], order: tuple[str, ...]) -> str | None:
    """The first phase that is under way, or else the first that is not done."""
    waiting = [kind for kind in order if kind in said and said[kind].status != "True"]
    return next((kind for kind in waiting if said[kind].reason != c.WAITING), waiting[0] if waiting else None)


def _current(said: Mapping[str, Said], order: tuple[str, ...]) -> Said | None:
    kind = _current_type(said, order)
    return said[kind] if kind else None


def _one_line(text: str) -> str:
    """Columns of `kubectl get` end at a line's end."""
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())


def _retry(fields: Mapping[str, Any]) -> str:
    retry = fields.get("retry")
    if not retry:
        return ""
    return f" (attempt {retry['attempt']}; next at {retry['nextTime'][11:]})"
