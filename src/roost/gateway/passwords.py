"""Passwords: argon2id, and the rules for new ones. Hashing takes tens of milliseconds, so it runs in a thread.

Called by the sign-in and user endpoints.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from roost.api.masked import Masked
from roost.gateway.refusal import Refusal

SHORTEST: Final = 10
LONGEST: Final = 256

# OWASP's second choice of parameters: 19 MiB, so that sign-ins in parallel don't fill the memory.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
_AT_ONCE: Final = 2
_NOBODY: Final = _HASHER.hash(secrets.token_hex(8))
"""Checked for users that don't exist, so that the time tells nothing."""


class Passwords:
    def __init__(self) -> None:
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def hashed(self, password: Masked) -> str:
        """Raises Refusal 422 for one that is too short or too long."""
        _check(password)
        async with self._at_once:
            return await asyncio.to_thread(_HASHER.hash, password.reveal())

    async def fits(self, password: Masked, hashed: str) -> bool:
        """Takes as long for an empty hash (no such user, or none that has a password)."""
        if len(password.reveal()) > LONGEST:
            return False
        async with self._at_once:
            return await asyncio.to_thread(_fits, password.reveal(), hashed or _NOBODY) and bool(hashed)


def generate() -> Masked:
    """For a first administrator, or a user whom an administrator makes."""
    return Masked(secrets.token_urlsafe(15))


def hash_now(password: Masked) -> str:
    """As Passwords.hashed, where no loop runs."""
    _check(password)
    return _HASHER.hash(password.reveal())


def _check(password: Masked) -> None:
    length = len(password.reveal())
    if not SHORTEST <= length <= LONGEST:
        raise Refusal(
            422,
            f"a password has {SHORTEST} to {LONGEST} characters; this one has {length}",
            cause="PasswordInvalid",
        )


def _fits(password: str, hashed: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
