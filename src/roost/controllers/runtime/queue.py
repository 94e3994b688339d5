"""One keyed queue: runs `work(key)` in tasks of its own, one per key, by the rules of `schedule`.

Controllers add keys from watch handlers; the status writer and the event recorder use it too, since
«soon, once, again when it failed» is all they need.
"""

from __future__ import annotations

import asyncio
import bisect
import random
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from structlog.stdlib import BoundLogger

from roost.controllers.runtime.log import logger
from roost.controllers.runtime.schedule import Attempt, Schedule

K = TypeVar("K", bound=Hashable)
BUCKETS: Final = (0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0)
"""Upper bounds of the histogram of durations, in seconds."""


@dataclass
class Counts:
    """What a queue did so far, for the metrics; plain numbers, so that counting costs nothing."""

    adds: int = 0
    retries: int = 0
    seconds: float = 0.0
    runs: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    """Runs by duration; the last one is for longer than every bound."""

    def ran(self, seconds: float) -> None:
        self.seconds += seconds
        self.runs[bisect.bisect_left(BUCKETS, seconds)] += 1


Delay = Callable[[BaseException, int], float | None]
"""(error, attempt) → seconds, or None for the back-off."""


def plain_backoff(_error: BaseException, _attempt: int) -> float | None:
    return None


class Queue(Generic[K]):
    def __init__(
        self,
        name: str,
        work: Callable[[K], Awaitable[float | None]],
        *,
        limit: int = 256,
        jitter: Callable[[], float] = random.random,
        delay: Delay = plain_backoff,
        on_failure: Callable[[K, BaseException, Attempt], None] | None = None,
    ) -> None:
        """`work` returns the seconds after which to look again, or None. Errors lead to a later try."""
        self.name = name
        self.counts = Counts()
        self._started: dict[K, float] = {}
        self._log: BoundLogger = logger(queue=name)
        self._work = work
        self._limit = limit
        self._delay = delay
        self._on_failure = on_failure
        self._schedule: Schedule[K] = Schedule(jitter)
        self._tasks: dict[K, asyncio.Task[None]] = {}
        self._begun: set[K] = set()
        self._interrupted: set[K] = set()
        self._wake = asyncio.Event()
        self._closing = False

    def waiting(self, now: float) -> int:
        """Keys that could run at that time (of the loop) and have no room. Also called from another thread."""
        return self._schedule.waiting(now)

    def unfinished(self, now: float) -> list[float]:
        """For how many seconds each running key has run. Also called from another thread."""
        return [now - began for began in list(self._started.values())]

    def add(self, key: K) -> None:
        self.counts.adds += 1
        self._schedule.add(key, self._now())
        self._wake.set()

    def add_after(self, key: K, seconds: float) -> None:
        self._schedule.add_at(key, self._now() + seconds)
        self._wake.set()

    def interrupt(self, key: K) -> None:
        """What runs for the key became pointless: cancel it, and run again with the world as it is now."""
        task = self._tasks.get(key)
        if task is not None and key not in self._begun:
            return  # It has not looked at the world yet; cancelled now, it would never come to its own end.
        self.add(key)
        if task is not None and not task.done():
            self._interrupted.add(key)
            task.cancel()

    def forget(self, key: K) -> None:
        self._schedule.forget(key)

    def is_running(self, key: K) -> bool:
        return key in self._tasks

    async def run(self) -> None:
        """Until cancelled; then the running work is cancelled and waited for."""
        try:
            while True:
                self._wake.clear()
                for key in self._schedule.take(self._now(), self._limit - len(self._tasks)):
                    task = asyncio.create_task(self._one(key))
                    self._tasks[key] = task
                await self._sleep()
        finally:
            self._closing = True
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._closing = False

    async def _sleep(self) -> None:
        due = self._schedule.next_due()
        if len(self._tasks) >= self._limit:
            due = None
        try:
            async with asyncio.timeout(None if due is None else max(0.0, due - self._now())):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _one(self, key: K) -> None:
        self._begun.add(key)
        self._started[key] = self._now()
        try:
            again = await self._work(key)
        except asyncio.CancelledError:
            self._done(key)
            if self._closing:
                raise
            if key in self._interrupted:
                self._interrupted.discard(key)
                self._schedule.interrupted(key, self._now())
            else:
                self._failed(key, RuntimeError("cancelled from inside"))
        except Exception as error:
            self._done(key)
            self._failed(key, error)
        else:
            self._done(key)
            self._interrupted.discard(key)
            self._schedule.succeeded(key, self._now(), again)

    def _done(self, key: K) -> None:
        self._tasks.pop(key, None)
        began = self._started.pop(key, None)
        if began is not None:
            self.counts.ran(self._now() - began)
        self._begun.discard(key)
        self._wake.set()

    def _failed(self, key: K, error: Exception) -> None:
        self._interrupted.discard(key)
        self.counts.retries += 1
        attempt = self._schedule.failed(key, self._now(), lambda number: self._delay(error, number))
        if self._on_failure is not None:
            self._on_failure(key, error, attempt)
        else:
            self._log.warning("failed", key=str(key), attempt=attempt.number, error=str(error))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
