"""One supervisor per data directory. The kernel drops the lock with its holder, however that ends.

Called by start; down and status ask who holds it.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from roost.api.errors import PermanentFailure
from roost.embedded import process
from roost.embedded.files import explained
from roost.embedded.process import Identity

_TRIES: Final = 25


@contextmanager
def held(path: Path) -> Generator[None]:
    """Holds the lock. Raises PermanentFailure AlreadyRunning naming the holder's pid."""
    with explained(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, path)
        me = process.identify(os.getpid())
        assert me is not None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, process.encode(me).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> None:
    # Whoever asks for the holder holds the lock for an instant: only a holder that is alive counts at once.
    for attempt in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            other = process.read(path)
            if attempt < _TRIES - 1 and (other is None or not process.is_alive(other)):
                time.sleep(0.02)
                continue
            who = f"pid {other.pid}" if other else "another process"
            raise PermanentFailure(
                "AlreadyRunning",
                f"a platform already runs on {path.parent.parent} ({who}); `roost status` shows it, "
                "`roost down` ends it, --data-dir chooses another directory",
            ) from None


def holder(path: Path) -> Identity | None:
    """Who holds the lock now, or None."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return process.read(path)
    finally:
        os.close(descriptor)
