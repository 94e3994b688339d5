"""The file system of a machine: its identity over the shared base root, and above them what was changed on it.

Mounting is called by `Lab`, reading the changes by `diff` and by snapshots.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.machines import host

OVERLAY_ATTRIBUTES = "trusted.overlay."
OPAQUE = OVERLAY_ATTRIBUTES + "opaque"


@dataclass(frozen=True)
class Change:
    kind: Literal["added", "changed", "deleted"]
    path: str
    now: str  # type, mode, owner, content and attributes, as `describe` writes them; empty when deleted


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
    """How the machine's files differ from those it was made with, sorted by path.

    The upper directory also holds files that were written and then put back as they were, and directories that are
    only passed through on the way to a change: what is the same as below is no change.
    """
    yield from sorted(_below(upper, Path(), lowers, hidden=False), key=lambda change: change.path)


def _below(upper: Path, relative: Path, lowers: list[Path], *, hidden: bool) -> Iterator[Change]:
    directory = upper / relative
    hidden = hidden or is_opaque(directory)
    try:
        names = sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        path = directory / name
        below = _lower(relative / name, lowers)
        try:
            status = path.lstat()
            if is_whiteout(status):
                if below is not None:
                    yield Change("deleted", f"/{relative / name}", "")
                continue
            now = describe(path)
        except FileNotFoundError:
            continue  # a running machine goes on writing
        if below is None or now != describe(below):
            yield Change("added" if below is None else "changed", f"/{relative / name}", now)
        if stat.S_ISDIR(status.st_mode):
            yield from _below(upper, relative / name, lowers, hidden=hidden)
    if hidden:
        for name in sorted({child for lower in lowers for child in _children(lower / relative)} - set(names)):
            yield Change("deleted", f"/{relative / name}", "")


def describe(path: Path) -> str:
    """All of a file that matters but its times: type, mode, owner, content, extended attributes."""
    status = path.lstat()
    head = f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"
    if stat.S_ISREG(status.st_mode):
        head += f" sha256:{_digest(path, status)}"
    elif stat.S_ISLNK(status.st_mode):
        head += f" -> {os.readlink(path)}"
    elif stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        head += f" {os.major(status.st_rdev)},{os.minor(status.st_rdev)}"
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        if not name.startswith(OVERLAY_ATTRIBUTES):
            head += f" {name}={os.getxattr(path, name, follow_symlinks=False).hex()}"
    return head


_digests: dict[tuple[int, ...], str] = {}


def _digest(path: Path, status: os.stat_result) -> str:
    """Kept for as long as the kernel says that the file was not touched: images are gigabytes."""
    seen = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if seen not in _digests:
        with path.open("rb") as handle:
            _digests[seen] = hashlib.file_digest(handle, "sha256").hexdigest()
    return _digests[seen]


def tree(root: Path) -> Iterator[tuple[str, str]]:
    """Every path below a directory with its description; "." is the directory itself."""
    yield ".", describe(root)
    for directory, below, files in os.walk(root):
        for name in sorted([*below, *files]):
            path = Path(directory) / name
            try:
                yield str(path.relative_to(root)), describe(path)
            except FileNotFoundError:
                continue


def _lower(relative: Path, lowers: list[Path]) -> Path | None:
    for lower in lowers:
        if os.path.lexists(lower / relative):
            return lower / relative
    return None


def _children(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []


def is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(directory: Path) -> bool:
    try:
        return os.getxattr(directory, OPAQUE) == b"y"
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP, errno.ENOENT, errno.ENOTDIR):
            return False
        raise
