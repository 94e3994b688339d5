"""`roost progress NAME`: a line per phase and machine, how long each takes, and why something is slow or stuck."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import click

from roost.api import conditions
from roost.cli import data_directory, platform_api
from roost.cli.i18n import said, t

MARKS: Final = {"True": "✓", "False": "✗", "Unknown": "·"}
PLAIN_MARKS: Final = {"True": "done", "False": "failed", "Unknown": "waiting"}
WORKING: Final = "●"


@dataclass(frozen=True)
class Line:
    """One phase of the cluster, or one machine."""

    name: str
    status: str
    reason: str
    message: str
    seconds: float | None
    """How long it took, or has been going on; None before it began."""


@dataclass(frozen=True)
class Progress:
    cluster: str
    namespace: str
    phase: str
    version: str
    message: str
    attempt: int
    next_retry_in: float | None
    phases: tuple[Line, ...]
    machines: tuple[Line, ...]
    ready: int
    total: int

    @property
    def available(self) -> bool:
        return any(line.name == conditions.AVAILABLE and line.status == "True" for line in self.phases)


def _when(value: object) -> datetime | None:
    return datetime.fromisoformat(str(value)) if value else None


def _part(obj: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A map inside an object; empty where it is missing or null."""
    return cast(dict[str, Any], obj.get(name) or {})


def _conditions(obj: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {c["type"]: c for c in _part(obj, "status").get("conditions", [])}


def _lines(
    obj: Mapping[str, Any], order: Iterable[str], *, start: datetime | None, now: datetime
) -> tuple[Line, ...]:
    """A phase that is done took from the latest earlier end to its own; one that is not lasts until now."""
    found = _conditions(obj)
    lines: list[Line] = []
    previous = start
    for kind in order:
        condition = found.get(kind)
        if condition is None:
            lines.append(Line(kind, "Unknown", conditions.WAITING, "", None))
            continue
        at = _when(condition.get("lastTransitionTime"))
        seconds: float | None = None
        if condition["status"] == "True" and at and previous:
            seconds = max((at - previous).total_seconds(), 0.0)
            previous = max(at, previous)
        elif condition["reason"] != conditions.WAITING and at:
            seconds = max((now - at).total_seconds(), 0.0)
        lines.append(Line(kind, condition["status"], condition["reason"], condition.get("message", ""), seconds))
    return tuple(lines)


def _machine_line(machine: Mapping[str, Any], *, now: datetime) -> Line:
    """The machine's first phase that is not done, or the last one."""
    created = _when(machine["metadata"].get("creationTimestamp"))
    lines = _lines(machine, conditions.MACHINE_PHASES, start=created, now=now)
    current = next((line for line in lines if line.status != "True"), lines[-1])
    deleting = _conditions(machine).get(conditions.DELETING)
    if machine["metadata"].get("deletionTimestamp"):
        message = str(deleting.get("message", "")) if deleting else ""
        current = Line(conditions.DELETING, "Unknown", conditions.IN_PROGRESS, message, None)
    role = machine["spec"]["role"]
    return Line(
        f"{machine['metadata']['name']} ({role})",
        current.status,
        f"{current.name}: {current.reason}",
        current.message,
        current.seconds,
    )


def progress(cluster: Mapping[str, Any], machines: Iterable[Mapping[str, Any]], *, now: datetime) -> Progress:
    """What a person wants to know, from the objects as the API gives them."""
    status = _part(cluster, "status")
    retry = _part(status, "retry")
    next_time = _when(retry.get("nextTime"))
    mine = [m for m in machines if m["spec"]["clusterName"] == cluster["metadata"]["name"]]
    start = _when(status.get("startedTime")) or _when(cluster["metadata"].get("creationTimestamp"))
    nodes = _part(status, "nodes")
    return Progress(
        cluster=cluster["metadata"]["name"],
        namespace=cluster["metadata"].get("namespace", ""),
        phase=status.get("phase") or "Pending",
        version=status.get("version") or cluster["spec"].get("version") or "",
        message=status.get("message") or "",
        attempt=int(retry.get("attempt") or 0),
        next_retry_in=max((next_time - now).total_seconds(), 0.0) if next_time else None,
        phases=_lines(cluster, conditions.CLUSTER_PHASES, start=start, now=now),
        machines=tuple(_machine_line(m, now=now) for m in sorted(mine, key=lambda m: m["metadata"]["name"])),
        ready=int(nodes.get("ready") or 0),
        total=int(nodes.get("total") or 0),
    )


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.1f}s" if seconds < 10 else f"{int(seconds) // 60}m{int(seconds) % 60:02d}s"


def _mark(line: Line, *, plain: bool) -> str:
    # A phase under way is False by its type, and no failure.
    if line.status != "True" and line.reason.endswith(conditions.IN_PROGRESS):
        return "working" if plain else WORKING
    if line.status != "True" and line.reason.endswith(conditions.WAITING):
        return (PLAIN_MARKS if plain else MARKS)["Unknown"]
    return (PLAIN_MARKS if plain else MARKS)[line.status]


def render(view: Progress, *, plain: bool) -> list[str]:
    """Lines for a terminal; `plain` uses words in place of signs."""
    width = max([len(line.name) for line in (*view.phases, *view.machines)], default=10)
    head = f"{view.cluster} ({view.namespace})  {view.version}  {view.phase}"
    lines = [head + (f"  {view.ready}/{view.total}" if view.total else "")]
    for group in (view.phases, view.machines):
        for line in group:
            tail = "" if line.status == "True" else " ".join(x for x in (line.reason, said(line.message)) if x)
            left = (
                f"  {_mark(line, plain=plain):<{7 if plain else 1}} {line.name:<{width}} {_duration(line.seconds):>7}"
            )
            lines.append(f"{left}  {tail}".rstrip())
    if view.next_retry_in is not None and not view.available:
        lines.append(t("progress.retry", attempt=view.attempt, seconds=int(view.next_retry_in)))
    return lines


def _fetch(api: platform_api.PlatformApi, namespace: str, name: str) -> Progress:
    cluster = api.get(platform_api.path("clusters", namespace=namespace, name=name))
    machines = api.get(platform_api.path("machines", namespace=namespace))
    items = cast(list[dict[str, Any]], machines["items"])
    return progress(cluster, items, now=datetime.now(UTC))


def _follow(api: platform_api.PlatformApi, namespace: str, name: str) -> None:
    """Redraw on a terminal; elsewhere print each line when it changes."""
    drawn = 0
    told: dict[str, str] = {}
    live = sys.stdout.isatty()
    while True:
        view = _fetch(api, namespace, name)
        lines = render(view, plain=not live)
        if live:
            columns = _columns()
            sys.stdout.write(f"\x1b[{drawn}A\x1b[J" if drawn else "")
            sys.stdout.write("\n".join(line[:columns] for line in lines) + "\n")
            drawn = len(lines)
        else:
            for line, item in zip(lines[1:], (*view.phases, *view.machines), strict=False):
                # A phase repeats what its machines say: it is told when it turns.
                key = f"{item.status} {item.reason}" + (f" {item.message}" if item in view.machines else "")
                if told.get(item.name) != key:
                    told[item.name] = key
                    sys.stdout.write(f"{datetime.now():%H:%M:%S} {line.strip()}\n")
        sys.stdout.flush()
        if view.available:
            return
        time.sleep(0.5 if live else 1.0)


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size().columns


@click.command("progress", help=t("progress.help"))
@click.argument("name")
@click.option("--namespace", "-n", default="default", show_default=True, help=t("option.namespace"))
@click.option("--once", is_flag=True, help=t("progress.once"))
@click.option("--output", "-o", type=click.Choice(["json", "yaml"]), help=t("option.output"))
@click.option("--data-dir", type=click.Path(path_type=Path), default=None, help=t("option.data-dir"))
def command(name: str, namespace: str, output: str | None, data_dir: Path | None, *, once: bool) -> None:
    api = platform_api.PlatformApi(data_directory.admin_kubeconfig(data_dir))
    if output:
        view = asdict(_fetch(api, namespace, name))
        if output == "json":
            click.echo(json.dumps(view, indent=2, ensure_ascii=False))
        else:
            import yaml

            click.echo(yaml.safe_dump(view, allow_unicode=True, sort_keys=False))
        return
    if once:
        click.echo("\n".join(render(_fetch(api, namespace, name), plain=not sys.stdout.isatty())))
        return
    try:
        _follow(api, namespace, name)
    except KeyboardInterrupt:
        sys.exit(130)
