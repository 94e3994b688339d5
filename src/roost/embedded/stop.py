"""`roost down`: ends exactly the processes of one data directory, and waits for them. Called by cli/down."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass

from roost.api.errors import PermanentFailure
from roost.embedded import lock, process, supervise
from roost.embedded.layout import Layout


@dataclass(frozen=True)
class Stopped:
    supervisor: int | None
    """Pid of the `roost up` that was ended."""
    survivors: tuple[str, ...]
    """Children that an earlier, killed one had left."""


async def stop(layout: Layout, *, seconds: float = 90.0) -> Stopped:
    """Ends the supervisor, which ends its children in order, then what is left of an earlier one."""
    supervisor = lock.holder(layout.lock)
    if supervisor is not None:
        if not process.is_alive(supervisor):
            raise PermanentFailure(
                "SupervisorUnknown", f"{layout.lock} is held by a process that is not the one it names; look at it"
            )
        with contextlib.suppress(ProcessLookupError):
            os.kill(supervisor.pid, signal.SIGTERM)
        end = time.monotonic() + seconds
        while lock.holder(layout.lock) is not None or process.is_alive(supervisor):
            if time.monotonic() >= end:
                raise PermanentFailure(
                    "StillRunning",
                    f"the platform (pid {supervisor.pid}) has not ended after {seconds:g} s; "
                    f"see {layout.log('up')}, then `kill -9 {supervisor.pid}` and `roost down` again",
                )
            await asyncio.sleep(0.05)
    survivors = await supervise.end_survivors(layout.run)
    return Stopped(supervisor.pid if supervisor else None, survivors)
