"""Users, sessions, tokens and providers as this process knows them: a watch in memory, writes straight to the API.

Every replica of the gateway watches the same Secrets, so a sign-out on one ends the sessions on all of them within
the time of a watch event. Called by authenticate and the endpoints.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from roost.api.names import SYSTEM_NAMESPACE
from roost.gateway import records
from roost.gateway.records import Provider, R, Record, Session, Token, User
from roost.gateway.refusal import Refusal
from roost.kube.lean import ApiAnswer, Lean

MANAGER: Final = "roost-gateway"
_PATH: Final = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/secrets"


class Store:
    """`changed` is told of each record that was written or went (None)."""

    def __init__(self, api: Lean) -> None:
        self._api = api
        self._known: dict[str, Record] = {}
        """By the Secret's name."""
        self._listeners: list[Callable[[str, Record | None], None]] = []
        self.synced = asyncio.Event()

    def on_change(self, listener: Callable[[str, Record | None], None]) -> None:
        self._listeners.append(listener)

    async def run(self) -> None:
        async for kind, item in self._api.follow(_PATH, selector=records.LABEL):
            if kind == "SYNCED":
                self.synced.set()
                continue
            self._take(str(item["metadata"]["name"]), None if kind == "DELETED" else records.decode(item))

    def user(self, name: str) -> User | None:
        return self._get(User, name)

    def session(self, key: str) -> Session | None:
        return self._get(Session, key)

    def token(self, key: str) -> Token | None:
        return self._get(Token, key)

    def provider(self, name: str) -> Provider | None:
        return self._get(Provider, name)

    def all(self, kind: type[R]) -> list[R]:
        return sorted((r for r in self._known.values() if isinstance(r, kind)), key=lambda record: record.key)

    async def find_session(self, key: str) -> Session | None:
        """As `session`, and asks the API for one that another replica may have just made."""
        known = self.session(key)
        if known is not None:
            return known
        try:
            secret = await self._api.call("GET", f"{_PATH}/{records.secret_name('session', key)}")
        except ApiAnswer as answer:
            if answer.code == 404:
                return None
            raise
        found = records.decode(secret)
        return found if isinstance(found, Session) else None

    async def create(self, record: Record) -> None:
        """Raises Refusal 409 where it exists."""
        try:
            await self._api.call("POST", _PATH, records.encode(record))
        except ApiAnswer as answer:
            if answer.code == 409:
                raise Refusal(409, f"the {record.kind} {record.key} already exists") from answer
            raise
        self._take(records.secret_name(record.kind, record.key), record)

    async def replace(self, record: Record) -> None:
        """Raises Refusal 404 where it is gone: what was ended meanwhile must not come back."""
        name = records.secret_name(record.kind, record.key)
        try:
            await self._api.call("PUT", f"{_PATH}/{name}", records.encode(record))
        except ApiAnswer as answer:
            if answer.code == 404:
                raise Refusal(404, f"there is no {record.kind} {record.key}") from answer
            raise
        self._take(name, record)

    async def delete(self, record: Record) -> None:
        """Also of one that is gone already."""
        name = records.secret_name(record.kind, record.key)
        try:
            await self._api.call("DELETE", f"{_PATH}/{name}")
        except ApiAnswer as answer:
            if answer.code != 404:
                raise
        self._take(name, None)

    async def end_sessions(self, user: str, *, but: str = "") -> int:
        """Ends a user's sessions everywhere; gives how many."""
        ended = [s for s in self.all(Session) if s.user == user and s.id != but]
        await asyncio.gather(*(self.delete(session) for session in ended))
        return len(ended)

    async def tidy(self, *, now: float) -> None:
        """Deletes what has expired."""
        for session in self.all(Session):
            if now >= session.expires:
                await self.delete(session)
        for token in self.all(Token):
            if now >= token.expires:
                await self.delete(token)

    def _get(self, kind: type[R], key: str) -> R | None:
        found = self._known.get(records.secret_name(kind.kind, key))
        return found if isinstance(found, kind) else None

    def _take(self, name: str, record: Record | None) -> None:
        former = self._known.get(name)
        if record is None:
            self._known.pop(name, None)
        else:
            self._known[name] = record
        if former != record:
            for listener in self._listeners:
                listener(name, record)
