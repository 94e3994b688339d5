"""Writes status: collects what controllers say about an object and applies it, at most once a second for each.

One writer owns its condition types and fields and applies only those (server-side apply, its own field
manager), so that other writers of the same object keep theirs. Nothing is written when nothing changed.
`lastTransitionTime` moves only when a status differs from the one that was last written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from roost.controllers.runtime.api import Api, ApiProblem, Object, Ref, generation, ref_of, uid
from roost.controllers.runtime.clock import Now, rfc3339
from roost.controllers.runtime.log import logger
from roost.controllers.runtime.queue import Queue
from roost.kube.resources import ResourceType

ConditionStatus = Literal["True", "False", "Unknown"]
LONGEST_MESSAGE: Final = 4096


@dataclass(frozen=True)
class Said:
    """One condition as a controller said it."""

    status: ConditionStatus
    reason: str
    message: str
    generation: int


@dataclass(frozen=True)
class Owned:
    """What one writer owns on a kind: condition types in the order in which people read them, and fields."""

    conditions: Sequence[str]
    fields: Sequence[str]


Summary = Callable[[Mapping[str, Said], Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]
"""(conditions, fields, notes) → fields computed from them, such as phase and message."""


@dataclass
class _State:
    uid: str
    said: dict[str, Said]
    fields: dict[str, Any]
    since: dict[str, tuple[str, str]]
    """Type to (status, lastTransitionTime) as last written."""
    changed: dict[str, str] = field(default_factory=dict[str, str])
    """Type to the time at which its status left the written one."""
    notes: dict[str, Any] = field(default_factory=dict[str, Any])
    """Inputs of the summary that are not written."""
    dirty: bool = False
    written: Object | None = None
    written_at: float = float("-inf")


class StatusWriter:
    def __init__(
        self,
        api: Api,
        owned: Mapping[ResourceType, Owned],
        summaries: Mapping[ResourceType, Summary],
        *,
        manager: str,
        now: Now,
        interval: float = 1.0,
    ) -> None:
        self._api = api
        self._owned = owned
        self._summaries = summaries
        self._manager = manager
        self._now = now
        self._interval = interval
        self._states: dict[Ref, _State] = {}
        self._queue: Queue[Ref] = Queue("status", self._write, limit=32)
        self._log = logger(writer=manager)

    def adopt(self, resource: ResourceType, obj: Object) -> Ref:
        """Start from what the object carries. Call before saying anything about it; cheap when repeated."""
        ref = ref_of(resource, obj)
        state = self._states.get(ref)
        if state is None or state.uid != uid(obj):
            self._states[ref] = _adopted(self._owned[resource], obj)
        return ref

    def say(
        self, ref: Ref, kind: str, status: ConditionStatus, reason: str, message: str, *, generation: int
    ) -> None:
        """Set one condition. An object that was not adopted, or is gone, is passed over."""
        state = self._states.get(ref)
        said = Said(status, reason, message[:LONGEST_MESSAGE], generation)
        if state is None or state.said.get(kind) == said:
            return
        if kind not in self._owned[ref.resource].conditions:
            raise ValueError(f"condition {kind} of {ref.resource.kind} is not this writer's")
        old = state.since.get(kind)
        if old is not None and old[0] == status:
            state.changed.pop(kind, None)
        elif kind not in state.said or state.said[kind].status != status:
            state.changed[kind] = rfc3339(self._now())
        state.said[kind] = said
        self._soon(ref, state)

    def unsay(self, ref: Ref, kind: str) -> None:
        """Take a condition away."""
        state = self._states.get(ref)
        if state is not None and state.said.pop(kind, None) is not None:
            state.changed.pop(kind, None)
            self._soon(ref, state)

    def set(self, ref: Ref, **fields: Any) -> None:
        """Set fields of status by their wire names; None removes one."""
        state = self._states.get(ref)
        if state is None:
            return
        for name, value in fields.items():
            if name not in self._owned[ref.resource].fields:
                raise ValueError(f"status.{name} of {ref.resource.kind} is not this writer's")
            if state.fields.get(name) != value:
                state.fields[name] = value
                self._soon(ref, state)

    def note(self, ref: Ref, **notes: Any) -> None:
        """Set inputs of the summary that stand nowhere in status themselves."""
        state = self._states.get(ref)
        if state is not None and any(state.notes.get(name) != value for name, value in notes.items()):
            state.notes.update(notes)
            self._soon(ref, state)

    def said(self, ref: Ref, kind: str) -> Said | None:
        state = self._states.get(ref)
        return state.said.get(kind) if state else None

    def value(self, ref: Ref, name: str) -> Any:
        """A field of status as it was last set (or found)."""
        state = self._states.get(ref)
        return state.fields.get(name) if state else None

    def forget(self, ref: Ref) -> None:
        self._states.pop(ref, None)
        self._queue.forget(ref)

    async def run(self) -> None:
        """Until cancelled; what was said by then is written once more, within two seconds."""
        try:
            await self._queue.run()
        finally:
            try:
                async with asyncio.timeout(2):
                    pending = [ref for ref, state in self._states.items() if state.dirty]
                    await asyncio.gather(*(self._write(ref, last=True) for ref in pending), return_exceptions=True)
            except TimeoutError:
                self._log.warning("status not written at the end")

    def _soon(self, ref: Ref, state: _State) -> None:
        state.dirty = True
        wait = state.written_at + self._interval - asyncio.get_running_loop().time()
        self._queue.add_after(ref, max(0.0, wait))
        if self._queue.is_running(ref):
            self._queue.add(ref)

    async def _write(self, ref: Ref, *, last: bool = False) -> float | None:
        state = self._states.get(ref)
        if state is None or not state.dirty:
            return None
        loop = asyncio.get_running_loop()
        early = state.written_at + self._interval - loop.time()
        if early > 0 and not last:
            return early
        body, since = self._body(ref, state)
        state.dirty = False
        if body == state.written:
            return None
        state.written_at = loop.time()
        try:
            await self._api.apply(ref, body, manager=self._manager, subresource="status")
        except ApiProblem as problem:
            if problem.not_found or problem.conflict:
                # Gone, or another object of the same name: whoever adopts that one starts anew.
                if self._states.get(ref) is state:
                    self.forget(ref)
                return None
            state.dirty = True
            raise
        state.written = body
        state.since = since
        state.changed = {kind: at for kind, at in state.changed.items() if _differs(state, kind)}
        return None

    def _body(self, ref: Ref, state: _State) -> tuple[Object, dict[str, tuple[str, str]]]:
        now = rfc3339(self._now())
        since: dict[str, tuple[str, str]] = {}
        conditions: list[Object] = []
        for kind in self._owned[ref.resource].conditions:
            said = state.said.get(kind)
            if said is None:
                continue
            old = state.since.get(kind)
            at = old[1] if old is not None and old[0] == said.status else state.changed.get(kind, now)
            since[kind] = (said.status, at)
            conditions.append(_condition(kind, said, at))
        fields = {name: value for name, value in state.fields.items() if value is not None}
        summary = self._summaries.get(ref.resource)
        if summary is not None:
            computed = summary(state.said, fields, state.notes)
            fields |= {name: value for name, value in computed.items() if value is not None}
        meta: Object = {"name": ref.name, "uid": state.uid}
        if ref.namespace:
            meta["namespace"] = ref.namespace
        return {
            "apiVersion": ref.resource.api_version,
            "kind": ref.resource.kind,
            "metadata": meta,
            "status": {**fields, "conditions": conditions},
        }, since


def _differs(state: _State, kind: str) -> bool:
    return kind in state.said and state.since.get(kind, ("", ""))[0] != state.said[kind].status


def _condition(kind: str, said: Said, at: str) -> Object:
    return {
        "type": kind,
        "status": said.status,
        "observedGeneration": said.generation,
        "lastTransitionTime": at,
        "reason": said.reason,
        "message": said.message,
    }


def _adopted(owned: Owned, obj: Object) -> _State:
    status = cast("Object", obj.get("status") or {})
    said: dict[str, Said] = {}
    since: dict[str, tuple[str, str]] = {}
    for item in cast("list[Object]", status.get("conditions") or []):
        kind = item["type"]
        if kind in owned.conditions:
            said[kind] = Said(
                item["status"],
                item["reason"],
                item.get("message") or "",
                item.get("observedGeneration") or generation(obj),
            )
            since[kind] = (item["status"], item["lastTransitionTime"])
    fields = {name: status[name] for name in owned.fields if name in status}
    return _State(uid=uid(obj), said=said, fields=fields, since=since)
