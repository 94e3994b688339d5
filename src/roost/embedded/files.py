"""Files of the data directory: whole or not at all, for their owner alone; errors with path and remedy.

Called by every module of this room that writes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Generator
from pathlib import Path
from typing import Final

from roost.api.errors import PermanentFailure

NEEDED: Final = 512 * 1024 * 1024
"""Free bytes below which nothing is started: etcd alone keeps 64 MB write-ahead files ahead of need."""


def write_private(path: Path, content: str | bytes, *, mode: int = 0o600) -> None:
    """Writes a file so that a reader sees the old content or the new one, and a crash leaves no half."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with explained(path):
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()


def write_if_changed(path: Path, content: str, *, mode: int = 0o600) -> bool:
    """Writes where content or mode differ; gives whether it did."""
    try:
        same = path.read_text() == content and stat.S_IMODE(path.stat().st_mode) == mode
    except OSError:
        same = False
    if not same:
        write_private(path, content, mode=mode)
    return not same


def make_directories(directories: tuple[Path, ...]) -> None:
    """Makes what is missing, 0700. A directory that others can read is closed: it holds keys."""
    for directory in directories:
        with explained(directory):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = directory.stat()
            if status.st_uid != os.geteuid():
                raise PermanentFailure(
                    "DataDirectoryUnusable",
                    f"{directory} belongs to another user (uid {status.st_uid}); run as that user, "
                    "or choose another directory with --data-dir",
                )
            if stat.S_IMODE(status.st_mode) != 0o700:
                directory.chmod(0o700)


def check_space(directory: Path, *, needed: int = NEEDED) -> None:
    """Raises PermanentFailure DiskFull where too little is left to start."""
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise PermanentFailure(
            "DiskFull",
            f"{directory}: {free // 1024**2} MB are free, at least {needed // 1024**2} MB are needed; "
            "free some space, or choose another directory with --data-dir",
        )


@contextlib.contextmanager
def explained(path: Path) -> Generator[None]:
    """Turns an OSError of its body into one that names the path and what to do."""
    try:
        yield
    except OSError as error:
        raise explain(error, path) from error


def explain(error: OSError, path: Path) -> PermanentFailure:
    text = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return PermanentFailure(
            "DiskFull", f"{path}: {text}; free some space, or choose another directory with --data-dir"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return PermanentFailure(
            "PermissionDenied", f"{path}: {text}; run as the user it belongs to, or choose another with --data-dir"
        )
    return PermanentFailure(
        "DataDirectoryUnusable", f"{path}: {text}; choose a directory on a writable disk with --data-dir"
    )
