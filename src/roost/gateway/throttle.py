"""Failed sign-ins slow down, by user and by address. Pure but for its own memory; called by the sign-in endpoint.

Five failures are free; then each one closes the door for twice as long, up to a quarter of an hour. A right password
does not open a closed door, or guessing would only be slower by its own time.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

FREE: Final = 5
FIRST_SECONDS: Final = 2.0
MOST_SECONDS: Final = 900.0
FORGET_SECONDS: Final = 3600.0
REMEMBERED: Final = 20_000


@dataclass
class _Failures:
    count: int = 0
    until: float = 0.0
    last: float = 0.0


class Throttle:
    """Remembers failures of one gateway process."""

    def __init__(self, free: int = FREE) -> None:
        self._free = free
        self._known: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, *keys: str, now: float) -> float:
        """Seconds until a sign-in with these is looked at; 0: now."""
        return max(0.0, *(self._known[key].until - now for key in keys if key in self._known), 0.0)

    def failed(self, *keys: str, now: float) -> None:
        for key in keys:
            known = self._known.setdefault(key, _Failures())
            if now - known.last > FORGET_SECONDS:
                known.count = 0
            known.count += 1
            known.last = now
            over = known.count - self._free
            if over > 0:
                known.until = now + min(MOST_SECONDS, FIRST_SECONDS * 2 ** (over - 1))
            self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forgets a user's failures; those of an address stay, or one own account would reset them."""
        self._known.pop(key, None)
