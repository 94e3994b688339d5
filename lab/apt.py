"""Waits for another apt, as a fresh Debian often has one at work in its first minutes."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path

PATIENCE = 300
"""Seconds to wait for it."""
WORDS = ("apt-get", "-o", f"DPkg::Lock::Timeout={PATIENCE}")
"""apt-get waits for dpkg by itself; it does not wait for the package lists, see `wait_for_lists`."""
LOCK = Path("/var/lib/apt/lists/lock")


def wait_for_lists(lock: Path = LOCK, *, patience: float = PATIENCE) -> None:
    """Until nobody reads the package lists anew; after that apt-get's own error says who holds them."""
    end = time.monotonic() + patience
    while lock.exists() and time.monotonic() < end:
        with lock.open("a") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                time.sleep(0.5)
