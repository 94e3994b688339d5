"""What processes and the computer have used, out of /proc; and how busy it was before.

Called by the benchmarks. The parsers are pure.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


def parse_cpu_seconds(stat: str) -> float:
    """User and system time of /proc/PID/stat, with that of children that have ended."""
    # The name, in parentheses, may hold anything: count from its end. State is field 3, utime 14 … cstime 17.
    fields = stat[stat.rindex(")") + 2 :].split()
    return sum(int(value) for value in fields[11:15]) / TICKS


def parse_busy_seconds(stat: str) -> float:
    """Time that all processors together have worked, of /proc/stat: everything but idle and waiting for disks."""
    fields = next(line for line in stat.splitlines() if line.startswith("cpu ")).split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq = (int(value) for value in fields[:7])
    return (user + nice + system + irq + softirq) / TICKS


def parse_resident(status: str) -> int:
    """Bytes of VmRSS in /proc/PID/status; 0 for what has none."""
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu_seconds(pid: int) -> float:
    return parse_cpu_seconds((_PROC / str(pid) / "stat").read_text())


def busy_seconds() -> float:
    return parse_busy_seconds((_PROC / "stat").read_text())


def resident(pid: int) -> int:
    return parse_resident((_PROC / str(pid) / "status").read_text())


def arguments(pid: int) -> list[str]:
    return (_PROC / str(pid) / "cmdline").read_bytes().decode().rstrip("\0").split("\0")


def environment(pid: int) -> dict[str, str]:
    text = (_PROC / str(pid) / "environ").read_bytes().decode().rstrip("\0")
    return dict(item.split("=", 1) for item in text.split("\0") if "=" in item)


def load() -> float:
    """Of the last minute."""
    return os.getloadavg()[0]


def used(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What each process has used between two looks; one that was started between them counts in full."""
    return {name: max(0.0, value - before.get(name, 0.0)) for name, value in after.items()}


def end(child: subprocess.Popen[bytes], patience: float = 15) -> None:
    """Ends a program that was started here: asked first, killed when it has not heard within `patience` seconds."""
    child.terminate()
    try:
        child.wait(patience)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
