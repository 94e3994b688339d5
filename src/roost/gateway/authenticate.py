"""Who sends a request: from its token or cookie to a Caller. Called by dispatch, before anything else is asked."""

from __future__ import annotations

import hmac
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from roost.api.exchange import Headers, Identity
from roost.gateway import headers as heads
from roost.gateway import records, sessions
from roost.gateway.records import Session
from roost.gateway.refusal import Refusal
from roost.gateway.store import Store

COOKIE: Final = "__Host-roost-session"
USER_PREFIX: Final = "roost:user:"
GROUP_PREFIX: Final = "roost:group:"
CONTROLLERS: Final = "roost:platform:controllers"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

How = Literal["cookie", "session", "token", "platform"]


@dataclass(frozen=True)
class Caller:
    """Somebody who is signed in. `session` names what a sign-out ends: a session's or a token's id."""

    identity: Identity
    how: How
    name: str
    """Without prefix."""
    session: str = ""
    display_name: str = ""
    expires: float = 0.0

    @property
    def is_platform(self) -> bool:
        """One of roost's own processes."""
        return self.how == "platform"


class Authenticator:
    def __init__(self, store: Store, own_token: Path | None = None) -> None:
        self._store = store
        self._own_token = own_token
        self._own: tuple[tuple[int, int], bytes] = ((0, 0), b"")
        """The platform's own token, and of which state of its file."""

    async def caller(self, method: str, headers: Headers, *, upgrade: bool) -> Caller:
        """Raises Refusal 401, and 403 for a request that another site may have made a browser send."""
        await self._store.synced.wait()
        authorization = heads.value_of(headers, b"authorization")
        if authorization is not None:
            scheme, _, text = authorization.decode("latin-1").partition(" ")
            if scheme.lower() != "bearer":
                raise not_signed_in("only bearer tokens are taken")
            return await self._bearer(text.strip())
        text = heads.cookie(headers, COOKIE)
        if text is None:
            raise not_signed_in("the request carries no token")
        check_same_site(method, headers, upgrade=upgrade)
        caller = await self._bearer(text)
        if caller.how != "session":
            raise not_signed_in("the cookie is no session's")
        return Caller(caller.identity, "cookie", caller.name, caller.session, caller.display_name, caller.expires)

    async def _bearer(self, text: str) -> Caller:
        parsed = records.parse_bearer(text)
        if parsed is None:
            if self._is_platforms_own(text):
                identity = Identity(CONTROLLERS, groups=(f"{GROUP_PREFIX}platform",))
                return Caller(identity, "platform", "controllers")
            raise not_signed_in("the token is none of roost's")
        prefix, key, secret = parsed
        now = time.time()
        if prefix == records.ACCESS:
            session = await self._store.find_session(key)
            if session is None or not sessions.admits(session, secret, now=now):
                raise not_signed_in("the session has ended, or its token has expired")
            return self.of_session(session)
        token = self._store.token(key)
        if (
            prefix != records.SERVICE
            or token is None
            or now >= token.expires
            or not records.same(secret, token.secret)
        ):
            raise not_signed_in("the token is unknown, revoked or expired")
        user = self._store.user(token.user)
        if user is None or user.disabled:
            raise not_signed_in("the token's user is gone or disabled")
        identity = _identity(user.name, user.groups, token.id)
        return Caller(identity, "token", user.name, token.id, user.display_name, token.expires)

    def of_session(self, session: Session) -> Caller:
        """A local user's groups are those of now; raises Refusal 401 for one who is gone."""
        groups, display_name = session.groups, session.display_name
        if not session.provider:
            user = self._store.user(session.user)
            if user is None or user.disabled:
                raise not_signed_in("the user is gone or disabled")
            groups, display_name = user.groups, user.display_name
        elif self._store.provider(session.provider) is None:
            raise not_signed_in("the session's identity provider is gone")
        identity = _identity(session.user, groups, session.id)
        return Caller(identity, "session", session.user, session.id, display_name, session.access_expires)

    def _is_platforms_own(self, text: str) -> bool:
        if self._own_token is None:
            return False
        try:
            found = os.stat(self._own_token)
            mark = (found.st_mtime_ns, found.st_ino)
            if mark != self._own[0]:
                self._own = (mark, self._own_token.read_bytes().strip())
            return bool(self._own[1]) and hmac.compare_digest(self._own[1], text.encode())
        except OSError:
            return False


def check_same_site(method: str, headers: Headers, *, upgrade: bool) -> None:
    """A browser sends its cookie whoever made it ask: what changes something must carry a header that another site
    can't set, and a WebSocket must come from our own pages."""
    if upgrade:
        origin = heads.value_of(headers, b"origin")
        host = heads.value_of(headers, b"host") or b""
        if origin != b"https://" + host:
            raise Refusal(403, "the WebSocket was not opened by the console", cause="OriginRefused")
    elif method not in SAFE and heads.value_of(headers, b"x-roost-request") != b"1":
        raise Refusal(
            403, "a request with a cookie that changes something carries X-Roost-Request: 1", cause="OriginRefused"
        )


def not_signed_in(why: str) -> Refusal:
    return Refusal(401, f"not signed in: {why}; sign in with `roost login`", cause="NotSignedIn")


def _identity(name: str, groups: tuple[str, ...], session: str) -> Identity:
    return Identity(
        USER_PREFIX + name,
        groups=tuple(GROUP_PREFIX + group for group in groups),
        extra={"roost.session": (session,)},
    )
