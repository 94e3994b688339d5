"""When a failed job is looked at again. Pure; the queue's `delay`.

Transient errors take the queue's back-off. Permanent ones are looked at again every two minutes (a change
of an object ends the wait at once). Where nothing but refused sign-ins is in the way, the job waits as long as
those do (`signins`): one to fifteen minutes, so that no account is locked by us.
"""

from __future__ import annotations

from typing import Final

from roost.api.errors import PermanentFailure, RetryLater

PERMANENT: Final = 120.0
FIRST_SIGN_IN: Final = 60.0
LAST_SIGN_IN: Final = 900.0


_SIGN_IN: Final = frozenset({"AuthenticationFailed", "ProxyAuthenticationFailed", "SudoRefused"})


def is_sign_in(reason: str) -> bool:
    """Whether a machine or proxy refused the credentials, which counts against an account."""
    return reason in _SIGN_IN


def sign_in_wait(times: int) -> float:
    """Seconds before a sign-in is tried again that was refused so often in a row."""
    return min(LAST_SIGN_IN, FIRST_SIGN_IN * 2.0 ** min(times - 1, 10))


def delay_for(error: BaseException, attempt: int) -> float | None:
    if isinstance(error, PermanentFailure) and is_sign_in(error.reason):
        return sign_in_wait(attempt)
    if isinstance(error, PermanentFailure):
        return PERMANENT
    if isinstance(error, RetryLater):
        return error.delay
    return None
