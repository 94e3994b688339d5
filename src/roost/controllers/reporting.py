"""The provider's Reporter over the status writer and Events. Made for each run of a job on a Cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, cast

from roost.api import conditions as c
from roost.api.v1alpha1.machine import Difference, MachineFacts
from roost.controllers import things
from roost.controllers.kinds import MACHINE
from roost.controllers.runtime.api import Object, Ref, generation, metadata, ref_of
from roost.controllers.runtime.clock import Now, rfc3339
from roost.controllers.runtime.events import Events
from roost.controllers.runtime.log import logger
from roost.controllers.runtime.status import ConditionStatus, Said, StatusWriter

_UNDER_WAY: Final = frozenset({c.WAITING, c.IN_PROGRESS, c.PAUSED, c.AWAITING_APPROVAL})


def _is_no_news(before: Said | None, status: ConditionStatus, reason: str) -> bool:
    """Whether what was true is only waiting to be looked at again; a look every ten minutes must not shake it."""
    return before is not None and before.status == "True" and status != "True" and reason == c.WAITING


def _nothing(_machine: str) -> None:
    return


class StatusReporter:
    """`restored`: Machines that the provider told to be as they were before roost."""

    def __init__(
        self,
        status: StatusWriter,
        events: Events,
        now: Now,
        *,
        cluster: tuple[Ref, Object],
        machines: Iterable[Object],
    ) -> None:
        self._status = status
        self._events = events
        self._now = now
        self._ref, self._cluster = cluster
        self._machines: Mapping[str, Object] = {metadata(machine)["name"]: machine for machine in machines}
        self._log = logger(cluster=f"{self._ref.namespace}/{self._ref.name}")
        self.wishes: Mapping[str, str] = {}
        """Per Machine, a mark of everything that its wish is made from: what differs under the same mark drifted."""
        self.restored: set[str] = set()
        self.on_restored: Callable[[str], None] = _nothing

    def cluster(self, condition: str, status: ConditionStatus, reason: str, message: str = "") -> None:
        before = self._status.said(self._ref, condition)
        if _is_no_news(before, status, reason):
            return
        self._status.say(self._ref, condition, status, reason, message, generation=generation(self._cluster))
        if before is None or (before.status, before.reason) != (status, reason):
            self._log.info("condition", phase=condition, status=status, reason=reason, message=message)
            self._announce(self._ref, self._cluster, condition, status, reason, message)

    def machine(self, name: str, condition: str, status: ConditionStatus, reason: str, message: str = "") -> None:
        machine = self._machines.get(name)
        if machine is None:
            return
        if condition == c.DELETING and status == "False" and reason == c.SUCCEEDED:
            self.restored.add(name)
            self.on_restored(name)
        ref = ref_of(MACHINE, machine)
        before = self._status.said(ref, condition)
        if _is_no_news(before, status, reason):
            return
        self._status.say(ref, condition, status, reason, message, generation=generation(machine))
        if before is None or (before.status, before.reason) != (status, reason):
            self._log.info("condition", machine=name, phase=condition, status=status, reason=reason, message=message)
            self._announce(ref, machine, condition, status, reason, message)

    def facts(self, name: str, facts: MachineFacts, *, host_key: str, node_name: str) -> None:
        machine = self._machines.get(name)
        if machine is None:
            return
        ref = ref_of(MACHINE, machine)
        given = facts.model_dump(mode="json", by_alias=True, exclude_none=True)
        self._status.set(
            ref, facts=given, nodeName=node_name or None, hostKey=host_key, observedGeneration=generation(machine)
        )

    def acted(self, name: str, title: str) -> None:
        machine = self._machines.get(name)
        if machine is None:
            return
        ref = ref_of(MACHINE, machine)
        known = cast("Object", self._status.value(ref, "acts") or {})
        count = int(known.get("count") or 0)
        self._status.set(ref, acts={"count": count + 1, "last": title, "lastTime": rfc3339(self._now())})
        self._log.info("act", machine=name, act=title, number=count + 1)

    def looked(self, name: str, keys: Sequence[str], differing: Sequence[Difference]) -> None:
        machine = self._machines.get(name)
        if machine is None:
            return
        ref = ref_of(MACHINE, machine)
        before = cast("Object | None", self._status.value(ref, "things"))
        after = things.looked(before, keys, differing, wish=self.wishes.get(name), time=rfc3339(self._now()))
        self._status.set(ref, things=after)
        if things.drifted_anew(before, after):
            names = ", ".join(one["thing"] for one in after["drift"]["differences"])
            text = f"{name}: no longer as roost left it: {names}; it is put back, unless a plan waits for approval"
            self.event(name, "Drifted", text, warning=True)

    def kept(self, name: str, keys: Collection[str]) -> None:
        machine = self._machines.get(name)
        if machine is None:
            return
        ref = ref_of(MACHINE, machine)
        before = cast("Object | None", self._status.value(ref, "things"))
        if before is not None:
            self._status.set(ref, things=things.kept(before, keys, wish=self.wishes.get(name)))

    def event(self, machine: str | None, reason: str, message: str, *, warning: bool = False) -> None:
        obj = self._cluster if machine is None else self._machines.get(machine)
        if obj is None:
            return
        ref = self._ref if machine is None else ref_of(MACHINE, obj)
        self._events.record(ref, obj, reason, message, warning=warning)
        self._log.info("event", machine=machine, reason=reason, message=message)

    def _announce(
        self, ref: Ref, obj: Object, condition: str, status: ConditionStatus, reason: str, message: str
    ) -> None:
        """An Event for what became true, and for what went wrong."""
        if status == "True" and condition != c.DELETING:
            self._events.record(ref, obj, condition, message or f"{condition} is true")
        elif (status == "False" and reason not in _UNDER_WAY and condition != c.DELETING) or (
            condition == c.DELETING and status == "True" and reason not in _UNDER_WAY
        ):
            self._events.record(ref, obj, reason, message, warning=True)
