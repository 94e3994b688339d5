"""What runs when: the decisions of the keyed queue, without tasks or clocks. Driven by `queue`.

Per key: waiting (due at a time), running, or neither. A key never runs twice at once; a change while it
runs makes it due again when it ends. Failures in a row lengthen the delay; a change starts it anew.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST_DELAY: Final = 1.0
LONGEST_DELAY: Final = 60.0


@dataclass(frozen=True)
class Attempt:
    """How often in a row a key failed, and when (on the loop's clock) it runs next."""

    number: int
    at: float


def backoff(attempt: int, jitter: float) -> float:
    """Seconds before the next try after `attempt` failures; `jitter` from 0 to 1 spreads it by a fifth."""
    plain = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(attempt - 1, 16))
    return min(LONGEST_DELAY, max(FIRST_DELAY, plain * (0.8 + 0.4 * jitter)))


class Schedule(Generic[K]):
    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._due: dict[K, tuple[float, int]] = {}
        """By key: when, and the how-manieth wait that is."""
        self._heap: list[tuple[float, int, K]] = []
        """The same in order, with waits among them that were changed since: those are passed over."""
        self._count = 0
        self._running: set[K] = set()
        self._dirty: set[K] = set()
        self._failures: dict[K, int] = {}

    @property
    def running(self) -> frozenset[K]:
        return frozenset(self._running)

    def add(self, key: K, now: float) -> None:
        """Something changed: run at once, with the back-off forgotten."""
        self._failures.pop(key, None)
        if key in self._running:
            self._dirty.add(key)
        else:
            self._wait(key, now, earlier=True)

    def add_at(self, key: K, at: float) -> None:
        """Run at `at` or earlier if it is due earlier. Ignored while it runs: its end decides again."""
        if key not in self._running:
            self._wait(key, at, earlier=True)

    def forget(self, key: K) -> None:
        """The key's object is gone: no wait is left behind."""
        self._due.pop(key, None)
        self._failures.pop(key, None)
        self._dirty.discard(key)

    def take(self, now: float, room: int) -> list[K]:
        """The keys to start now, longest due first, at most `room`; they count as running."""
        taken: list[K] = []
        while len(taken) < room and (first := self._first()) is not None and first[0] <= now:
            heapq.heappop(self._heap)
            key = first[2]
            taken.append(key)
            del self._due[key]
            self._running.add(key)
        return taken

    def waiting(self, now: float) -> int:
        """How many are due and not taken yet."""
        return sum(at <= now for at, _ in list(self._due.values()))

    def next_due(self) -> float | None:
        first = self._first()
        return None if first is None else first[0]

    def succeeded(self, key: K, now: float, again: float | None) -> None:
        """The run ended well; `again` in seconds asks for another one."""
        self._running.discard(key)
        self._failures.pop(key, None)
        if key in self._dirty:
            self._dirty.discard(key)
            self._wait(key, now)
        elif again is not None:
            self._wait(key, now + again)

    def failed(self, key: K, now: float, delay_for: Callable[[int], float | None]) -> Attempt:
        """The run failed. `delay_for(attempt)` may give a delay of its own instead of the back-off."""
        self._running.discard(key)
        if key in self._dirty:
            self._dirty.discard(key)
            self._wait(key, now)
            return Attempt(self._failures.get(key, 0) + 1, now)
        attempt = self._failures[key] = self._failures.get(key, 0) + 1
        own = delay_for(attempt)
        at = now + (backoff(attempt, self._jitter()) if own is None else own)
        self._wait(key, at)
        return Attempt(attempt, at)

    def interrupted(self, key: K, now: float) -> None:
        """The run was cancelled because its work became pointless: run again at once."""
        self._running.discard(key)
        self._dirty.discard(key)
        self._wait(key, now)

    def _wait(self, key: K, at: float, *, earlier: bool = False) -> None:
        """`earlier`: a wait that ends sooner than `at` stays."""
        known = self._due.get(key)
        if known is not None and (known[0] == at or (earlier and known[0] <= at)):
            return
        self._count += 1
        self._due[key] = (at, self._count)
        heapq.heappush(self._heap, (at, self._count, key))

    def _first(self) -> tuple[float, int, K] | None:
        """What is due first; with thousands of keys, looking through all of them at each turn would be the work."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][:2]:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None
