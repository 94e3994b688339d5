"""The two errors that decide what a controller does next.

RoostError
├── RetryLater        transient: back off (1 s to 60 s, jitter) and look again, for ever
└── PermanentFailure  no changing act until a Cluster, a Machine or a Secret they name changes

Both carry a CamelCase reason and a message that names the machine, the cause, the evidence and
the remedy; both become conditions as they are. Rooms subclass them where a caller must tell cases
apart (ssh.errors), never to change the meaning.
"""

from __future__ import annotations


class RoostError(Exception):
    """Base of all errors that are meant for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class RetryLater(RoostError):
    """A cause outside roost that may pass by itself. `delay` in seconds overrides the back-off."""

    def __init__(self, reason: str, message: str, *, delay: float | None = None) -> None:
        super().__init__(reason, message)
        self.delay = delay


class PermanentFailure(RoostError):
    """A cause that only a change of an object can remove."""
