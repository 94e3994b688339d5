"""How a session begins, goes on and ends. Pure: takes the time, gives records and tokens.

An access token lives an hour. The refresh token that comes with it gives the next pair, once: used a second time,
later than a retry would be, it was stolen, and the session ends. Called by endpoints and authenticate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from roost.api.masked import Masked
from roost.gateway import records
from roost.gateway.records import Session, Token

ACCESS_SECONDS: Final = 3600.0
SESSION_SECONDS: Final = 12 * 3600.0
GRACE_SECONDS: Final = 30.0
"""Two programs of one person may refresh at once; both come with the same token."""
TOKEN_DAYS: Final = 30
TOKEN_DAYS_MOST: Final = 365


@dataclass(frozen=True)
class Pair:
    """The tokens of a session; seen once, by whoever signed in."""

    access: Masked
    refresh: Masked
    expires: float


@dataclass(frozen=True)
class Refreshed:
    """What a refresh leads to. `session` None: ended, since its token was used twice."""

    session: Session | None
    pair: Pair | None


def begin(
    user: str,
    *,
    now: float,
    client: str = "",
    display_name: str = "",
    groups: tuple[str, ...] = (),
    provider: str = "",
) -> tuple[Session, Pair]:
    fresh = Session(
        records.new_id(),
        user,
        display_name=display_name,
        groups=groups,
        provider=provider,
        created=now,
        expires=now + SESSION_SECONDS,
        client=client,
    )
    return _paired(fresh, now=now)


def is_live(session: Session, *, now: float) -> bool:
    """The session goes on; its access token may need a refresh."""
    return now < session.expires


def admits(session: Session, secret: str, *, now: float) -> bool:
    """Whether an access token is that of the session and still good."""
    return is_live(session, now=now) and now < session.access_expires and records.same(secret, session.access)


def refresh(session: Session, secret: str, *, now: float) -> Refreshed:
    """Raises ValueError for a token that never was the session's."""
    if records.same(secret, session.refresh) and is_live(session, now=now):
        return Refreshed(*_paired(session, now=now))
    if records.same(secret, session.former_refresh):
        if now - session.refreshed <= GRACE_SECONDS and is_live(session, now=now):
            return Refreshed(*_paired(session, now=now, keep_former=True))
        return Refreshed(None, None)
    raise ValueError("not a token of this session")


def extend(session: Session, *, now: float) -> tuple[Session, Pair]:
    """For a browser, whose cookie is the access token itself."""
    return _paired(session, now=now)


def service_token(name: str, user: str, *, now: float, days: int, created_by: str) -> tuple[Token, Masked]:
    """Raises ValueError for a life that is too long or none."""
    if not 1 <= days <= TOKEN_DAYS_MOST:
        raise ValueError(f"a token lives 1 to {TOKEN_DAYS_MOST} days")
    secret = records.new_secret()
    token = Token(
        records.new_id(),
        name,
        user,
        records.digest(secret),
        created=now,
        expires=now + days * 86400.0,
        created_by=created_by,
    )
    return token, Masked(records.bearer(records.SERVICE, token.id, secret))


def _paired(session: Session, *, now: float, keep_former: bool = False) -> tuple[Session, Pair]:
    access, again = records.new_secret(), records.new_secret()
    expires = min(now + ACCESS_SECONDS, session.expires)
    renewed = replace(
        session,
        access=records.digest(access),
        access_expires=expires,
        refresh=records.digest(again),
        former_refresh=session.former_refresh if keep_former else session.refresh,
        refreshed=session.refreshed if keep_former else now,
    )
    pair = Pair(
        Masked(records.bearer(records.ACCESS, session.id, access)),
        Masked(records.bearer(records.REFRESH, session.id, again)),
        expires,
    )
    return renewed, pair
