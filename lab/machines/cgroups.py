"""Control groups of machines: without one of its own, each machine's kubelet would kill the pods of all others.

A machine's processes are put below the control group of whoever made it, in every hierarchy; the container manager
then shows that place to the machine as the root. Called by the supervisor, by `nsenter` runs, and when clearing.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

MOUNTED = Path("/sys/fs/cgroup")
SHARES = 2048
"""Of each machine; 1024 is what one session of the computer gets. Without, all machines of a lab together count as
one, and on a busy computer time-outs of Kubernetes pass that no real machine would see."""


def own_groups(cgroup_file: str, mountinfo: str) -> list[Path]:
    """The caller's directory in each mounted hierarchy, from /proc/self/cgroup and /proc/self/mountinfo."""
    mounted: dict[str, Path] = {}
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        point = Path(left.split(" ")[4])
        if kind == "cgroup2":
            mounted.setdefault("", point)
        elif kind == "cgroup":
            for option in options.split(","):
                mounted.setdefault(option, point)
    groups: list[Path] = []
    for line in cgroup_file.splitlines():
        _, controllers, path = line.split(":", 2)
        point = mounted.get(controllers.split(",")[0])
        if point is not None:
            groups.append(point / path.lstrip("/"))
    return groups


def make(parent: str, name: str) -> list[Path]:
    """Makes `parent`/`name` below the caller's own group in each hierarchy and returns these directories."""
    made: list[Path] = []
    for own in own_groups(Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text()):
        above = own / parent
        above.mkdir(exist_ok=True)
        if (above / "cpuset.cpus").exists() and (above / "cgroup.clone_children").exists():
            _inherit_cpuset(own, above)
        (above / name).mkdir(exist_ok=True)
        weigh(above)
        made.append(above / name)
    return made


def _inherit_cpuset(own: Path, above: Path) -> None:
    """A new cpuset holds no processors and takes no process; and new ones below must copy from it."""
    for file in ("cpuset.cpus", "cpuset.mems"):
        if not (above / file).read_text().strip():
            (above / file).write_text((own / file).read_text())
    (above / "cgroup.clone_children").write_text("1")


def weigh(above: Path) -> None:
    """Gives the lab's group of one hierarchy the processor time of as many machines as are in it."""
    if (above / "cpu.shares").exists():
        machines = sum(each.is_dir() for each in above.iterdir())
        (above / "cpu.shares").write_text(str(SHARES * machines))


def join(groups: list[Path]) -> None:
    """Moves the calling process."""
    for group in groups:
        (group / "cgroup.procs").write_text(str(os.getpid()))


def find(parent: str, name: str | None = None) -> list[Path]:
    """Every directory of that name in all hierarchies, whoever's control group it was made under."""
    found: list[Path] = []
    for hierarchy in sorted(MOUNTED.iterdir()) if MOUNTED.is_dir() else []:
        if hierarchy.is_symlink():
            continue
        for directory, below, _ in os.walk(hierarchy):
            if parent in below:
                group = Path(directory) / parent / (name or "")
                if group.is_dir():
                    found.append(group)
            # Machines nest deeply and hold no group of the lab's.
            below[:] = [each for each in below if not each.startswith("roostlab")]
    return found


def members(groups: list[Path]) -> set[int]:
    pids: set[int] = set()
    for group in groups:
        for directory, _, files in os.walk(group):
            if "cgroup.procs" in files:
                try:
                    pids.update(int(pid) for pid in (Path(directory) / "cgroup.procs").read_text().split())
                except OSError:
                    continue
    return pids


def remove(groups: list[Path], patience: float = 10) -> bool:
    """Kills whatever is left in these groups and removes them; False when some would not go."""
    deadline = time.monotonic() + patience
    left = groups
    while left:
        for pid in members(left):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        left = [group for group in left if not _remove_tree(group)]
        if left and time.monotonic() > deadline:
            return False
        if left:
            time.sleep(0.02)
    return True


def _remove_tree(group: Path) -> bool:
    for directory, _, _ in os.walk(group, topdown=False):
        try:
            Path(directory).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return not group.exists()
