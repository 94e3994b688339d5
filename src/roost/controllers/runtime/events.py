"""Kubernetes Events, with aggregation: the same event again raises its count instead of making another.

Events are for people and best effort: what can't be written (a namespace that is going) is dropped.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from roost.controllers.runtime.api import Api, ApiProblem, Object, Ref, uid
from roost.controllers.runtime.clock import Now, rfc3339
from roost.controllers.runtime.log import logger
from roost.controllers.runtime.queue import Queue
from roost.kube.resources import ResourceType

EVENTS: Final = ResourceType("", "v1", "Event", "events", namespaced=True)
"""The core kind: it counts, which events.k8s.io does only in series."""
REPEAT_EVERY: Final = 10.0
"""Seconds between two writes of the same event."""
KEPT: Final = 1024
LONGEST_MESSAGE: Final = 1024


@dataclass
class _Series:
    ref: Ref
    body: Object
    count: int = 0
    written: int = 0
    last: str = ""


class Events:
    def __init__(self, api: Api, *, component: str, now: Now) -> None:
        self._api = api
        self._component = component
        self._now = now
        self._series: OrderedDict[str, _Series] = OrderedDict()
        self._queue: Queue[str] = Queue("events", self._write, limit=8)
        self._log = logger()

    def record(self, ref: Ref, obj: Object, reason: str, message: str, *, warning: bool = False) -> None:
        """Something happened to `obj`, whose name is `ref`."""
        message = message[:LONGEST_MESSAGE]
        key = hashlib.sha256("\0".join((uid(obj), str(warning), reason, message)).encode()).hexdigest()[:16]
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = self._begin(key, ref, obj, reason, message, warning=warning)
            while len(self._series) > KEPT:
                self._series.popitem(last=False)
        self._series.move_to_end(key)
        series.count += 1
        series.last = rfc3339(self._now())
        self._queue.add_after(key, 0.0 if series.count == 1 else REPEAT_EVERY)

    async def run(self) -> None:
        await self._queue.run()

    def _begin(self, key: str, ref: Ref, obj: Object, reason: str, message: str, *, warning: bool) -> _Series:
        namespace = ref.namespace or "default"
        # A name of its own for each first time: an older event of the same key may have expired or not.
        name = f"{ref.name[:200]}.{key}{int(self._now().timestamp()):x}"
        body: Object = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": ref.resource.api_version,
                "kind": ref.resource.kind,
                "namespace": ref.namespace,
                "name": ref.name,
                "uid": uid(obj),
            },
            "type": "Warning" if warning else "Normal",
            "reason": reason,
            "message": message,
            "firstTimestamp": rfc3339(self._now()),
            "source": {"component": self._component},
            "reportingComponent": self._component,
        }
        return _Series(Ref(EVENTS, namespace, name), body)

    async def _write(self, key: str) -> float | None:
        series = self._series.get(key)
        if series is None or series.count == series.written:
            return None
        count, seen = series.count, {"count": series.count, "lastTimestamp": series.last}
        try:
            if series.written:
                await self._api.merge(series.ref, seen)
            else:
                await self._api.create(EVENTS, series.body | seen)
        except ApiProblem as problem:
            if problem.code == 0 or problem.code >= 429:
                raise
            # Expired, or its namespace is going: the next one of its kind begins anew.
            self._log.debug("event dropped", cause=problem.message)
            self._series.pop(key, None)
            return None
        series.written = count
        return REPEAT_EVERY if series.count > count else None
