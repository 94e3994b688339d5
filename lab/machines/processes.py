"""Finds processes by what they are (argv, parent, namespace, start time), for machines and for clearing leftovers."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

PROC = Path("/proc")


def start_time(pid: int) -> int | None:
    """Clock ticks after boot at which a process started; with the pid it names one process for ever."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def first_of_namespace(parent: int) -> int | None:
    """The child of this process that is the first of a pid namespace of its own: a machine's init."""
    for pid in _pids():
        try:
            status = (PROC / str(pid) / "status").read_text()
        except OSError:
            continue
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        inner = fields.get("NSpid", "").split()
        if fields.get("PPid", "").strip() == str(parent) and len(inner) > 1 and inner[-1] == "1":
            # nspawn's helper sits at 1 for a moment before it becomes init.
            return pid if fields.get("Name", "").strip() == "systemd" else None
    return None


def with_arguments(*wanted: str) -> list[int]:
    """Processes that have all of these among their arguments."""
    found: list[int] = []
    for pid in _pids():
        try:
            arguments = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if pid != os.getpid() and all(each in arguments for each in wanted):
            found.append(pid)
    return found


def kill(pids: list[int], patience: float = 10) -> None:
    """SIGKILL, and waits until they are gone."""
    started = {pid: start_time(pid) for pid in pids}
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + patience
    while any(when is not None and start_time(pid) == when for pid, when in started.items()):
        if time.monotonic() > deadline:
            return
        time.sleep(0.01)


def _pids() -> list[int]:
    return sorted(int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
