"""Wall-clock time for what people read (lastTransitionTime, Lease). Waiting uses the event loop's own clock,
so that tests on a loop with virtual time need no sleep; they pass a `Now` of the same virtual time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Now = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def rfc3339(time: datetime) -> str:
    """As metav1.Time: seconds, Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(time: datetime) -> str:
    """As metav1.MicroTime."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str) -> datetime:
    return datetime.fromisoformat(text)
