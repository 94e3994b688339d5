"""Who a process is, beyond its pid, which the kernel gives again: start time, executable and boot.

Called by supervise (records each child), lock (the supervisor itself) and the commands down and status.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from dataclasses import asdict, dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Identity:
    pid: int
    start_time: int
    """Clock ticks after boot, from /proc/PID/stat."""
    executable: str
    boot_id: str


def identify(pid: int) -> Identity | None:
    """The process that has this pid now, or None (gone, or dead and not yet collected)."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
        executable = os.readlink(_PROC / str(pid) / "exe")
    except OSError:
        return None
    # The name, in parentheses, may hold anything: count from its end. State is field 3, start time 22.
    fields = stat[stat.rindex(")") + 2 :].split()
    if fields[0] in "ZX":
        return None
    return Identity(pid, int(fields[19]), executable.removesuffix(" (deleted)"), boot_id())


def boot_id() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def is_alive(identity: Identity) -> bool:
    """The very same process still runs."""
    return identify(identity.pid) == identity


def encode(identity: Identity) -> str:
    return json.dumps(asdict(identity))


def read(path: Path) -> Identity | None:
    """A recorded identity; None where there is none or it is damaged."""
    try:
        return Identity(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def resident_bytes(pid: int) -> int | None:
    """Resident memory, with pages shared with others counted in full, as `ps` shows it."""
    try:
        for line in (_PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def age_seconds(identity: Identity) -> float:
    uptime = float((_PROC / "uptime").read_text().split()[0])
    return max(0.0, uptime - identity.start_time / os.sysconf("SC_CLK_TCK"))


async def end(identity: Identity, *, seconds: float) -> None:
    """Ends exactly this process: TERM, then KILL after some seconds; returns when it is gone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not is_alive(identity):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(identity.pid, number)
        waited = 0.0
        while waited < seconds and is_alive(identity):
            await asyncio.sleep(0.05)
            waited += 0.05
