"""What a progress dialog shows, and what `roost progress` says of the same cluster, in the same form."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, NamedTuple

from harness import Platform

from roost.cli import progress
from tests.console.direct import CLUSTERS, MACHINES, Api


class Step(NamedTuple):
    """A phase of the cluster, or a machine: which one it is, how it is marked, and what is said of it."""

    name: str
    mark: str
    """done, working, failed or waiting."""
    reason: str
    message: str


class Told(NamedTuple):
    phases: tuple[Step, ...]
    machines: tuple[Step, ...]


def by_command(platform: Platform, cluster: str, namespace: str = "default") -> Told:
    """`roost progress --once`, its marks, and the texts of `-o json` beside them; for what stands still."""
    words = ["progress", cluster, "-n", namespace]
    while True:
        before = json.loads(platform.roost(*words, "-o", "json").stdout)
        plain = platform.roost(*words, "--once").stdout.splitlines()[1:]
        after = json.loads(platform.roost(*words, "-o", "json").stdout)
        if _texts(before) == _texts(after):
            return _told(plain, after)


def by_objects(api: Api, cluster: str) -> Told:
    """What the command would say of the objects as they are now: its own functions, in this process."""
    found = api.call("GET", f"{CLUSTERS}/{cluster}")
    view = progress.progress(found, api.call("GET", MACHINES)["items"], now=datetime.now(UTC))
    return _told(progress.render(view, plain=True)[1:], asdict(view))


def _told(plain: list[str], view: Any) -> Told:
    steps = [Step(name, line.split()[0], *rest) for line, (name, *rest) in zip(plain, _texts(view), strict=False)]
    count = len(view["phases"])
    return Told(tuple(steps[:count]), tuple(sorted(steps[count:])))


def _texts(view: Any) -> list[tuple[str, str, str]]:
    """Name, reason and message of what isn't done; of what is, the command says nothing more."""
    return [
        (one["name"], "", "") if one["status"] == "True" else (one["name"], one["reason"], one["message"])
        for one in (*view["phases"], *view["machines"])
    ]


def by_console(scope: Any) -> Told:
    """The steps inside `scope`, a dialog or a page."""
    found = scope.evaluate(
        """(root) => [...root.querySelectorAll("[data-step]")].map((step) => [
          step.dataset.machine ?? "", step.dataset.role ?? "", step.dataset.step,
          [...step.classList].find((name) => /^step-(done|working|failed|waiting)$/.test(name)).slice(5),
          step.querySelector(".reason")?.innerText ?? "",
          step.querySelector(".step-message .message")?.innerText ?? "",
        ])"""
    )
    phases: list[Step] = []
    machines: list[Step] = []
    for machine, role, step, mark, reason, message in found:
        if machine:
            # As the command has it: the phase where the machine is stands before the reason.
            said = f"{step}: {reason}" if reason else ""
            machines.append(Step(f"{machine} ({role})", mark, said, message))
        else:
            phases.append(Step(step, mark, reason, message))
    return Told(tuple(phases), tuple(sorted(machines)))


def same(shown: Told, said: Told) -> str:
    """Empty when both tell the same, otherwise where they differ. What waits may be shown without its reason."""
    for one, other in zip((*shown.phases, *shown.machines), (*said.phases, *said.machines), strict=False):
        if (one.name, one.mark) != (other.name, other.mark):
            return f"{one} beside {other}"
        if one.reason and (one.reason, one.message.split()) != (other.reason, other.message.split()):
            return f"{one} beside {other}"
        if not one.reason and one.mark in {"working", "failed"}:
            return f"{one} says no reason"
    if (len(shown.phases), len(shown.machines)) != (len(said.phases), len(said.machines)):
        return f"{shown} beside {said}"
    return ""
