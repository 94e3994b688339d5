"""The file system of a machine: its identity over the shared base root, and above them what was changed on it.

Mounting is called by `Lab`, reading the changes by `diff` and by snapshots.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.machines import host

OPAQUE = "trusted.overlay.opaque"


@dataclass(frozen=True)
class Change:
    kind: str  # added, changed, deleted, replaced (a directory that hides the one below)
    path: str
    upper: Path


def mount(machine_dir: Path, base: Path) -> None:
    merged = machine_dir / "merged"
    if is_mounted(merged):
        return
    for name in ("upper", "work", "merged"):
        (machine_dir / name).mkdir(exist_ok=True)
    root = base.stat()
    os.chown(machine_dir / "upper", root.st_uid, root.st_gid)
    (machine_dir / "upper").chmod(stat.S_IMODE(root.st_mode))
    options = (
        f"lowerdir={machine_dir / 'seed'}:{base},upperdir={machine_dir / 'upper'},workdir={machine_dir / 'work'},"
        "redirect_dir=off,metacopy=off,index=off"
    )
    host.run("mount", "-t", "overlay", "roost-lab", "-o", options, str(merged))


def mounts_below(directory: Path, mountinfo: str) -> list[str]:
    """Mount points at or below a directory, deepest first."""
    points = [line.split(" ")[4].replace("\\040", " ") for line in mountinfo.splitlines()]
    prefix = f"{directory}/"
    return sorted((p for p in points if p == str(directory) or p.startswith(prefix)), key=len, reverse=True)


def is_mounted(directory: Path) -> bool:
    return str(directory) in mounts_below(directory, Path("/proc/self/mountinfo").read_text())


def unmount_below(directory: Path) -> None:
    for point in mounts_below(directory, Path("/proc/self/mountinfo").read_text()):
        if host.run("umount", point, check=False).returncode != 0:
            host.run("umount", "--lazy", point, check=False)


def changes(upper: Path, lowers: list[Path]) -> Iterator[Change]:
    """What the upper directory says against those below it, sorted by path. Directories that are only passed through
    on the way to a change are no change themselves."""
    for directory, below, files in os.walk(upper):
        below.sort()
        here = Path(directory)
        for name in sorted([*below, *files]):
            path = here / name
            relative = path.relative_to(upper)
            kind = _kind(path, relative, lowers)
            if kind:
                yield Change(kind, f"/{relative}", path)


def _kind(path: Path, relative: Path, lowers: list[Path]) -> str | None:
    status = path.lstat()
    if is_whiteout(status):
        return "deleted"
    lower = _lower(relative, lowers)
    if lower is None:
        return "added"
    if not stat.S_ISDIR(status.st_mode):
        return "changed"
    if is_opaque(path):
        return "replaced"
    below = lower.lstat()
    same = (status.st_mode, status.st_uid, status.st_gid) == (below.st_mode, below.st_uid, below.st_gid)
    return None if same else "changed"


def _lower(relative: Path, lowers: list[Path]) -> Path | None:
    for lower in lowers:
        if os.path.lexists(lower / relative):
            return lower / relative
    return None


def is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(directory: Path) -> bool:
    try:
        return os.getxattr(directory, OPAQUE) == b"y"
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return False
        raise
