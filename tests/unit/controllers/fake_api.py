"""An API server in memory: what controllers rely on of the real one, and nothing more.

Kept: resource versions, uid, generation (spec), finalizers and deletionTimestamp, conditional merge patches,
server-side apply per manager on status (conditions by type), refusals in a namespace that is going.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

from roost.controllers.runtime.api import ApiProblem, Object, Ref
from roost.controllers.runtime.clock import rfc3339
from roost.kube.resources import ResourceType
from roost.kube.watch import EventType


class FakeApi:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.objects: dict[Ref, Object] = {}
        self.calls: list[tuple[str, Ref]] = []
        self.terminating: set[str] = set()
        self.down = False
        self.refuse: Callable[[str, Ref], ApiProblem | None] = lambda _verb, _ref: None
        self._versions = itertools.count(1)
        self._watchers: list[tuple[ResourceType, asyncio.Queue[tuple[EventType, Object]]]] = []
        self._owned: dict[tuple[Ref, str], Object] = {}

    # What tests do, as a person with kubectl.

    def put(self, resource: ResourceType, obj: Object) -> Ref:
        """kubectl apply: spec, annotations, labels and data are replaced; the rest stays."""
        meta = obj["metadata"]
        ref = Ref(resource, meta.get("namespace") or "", meta["name"])
        old = self.objects.get(ref)
        if old is None:
            self._create(ref, obj)
            return ref
        new = copy.deepcopy(old)
        for key, value in obj.items():
            if key != "metadata":
                new[key] = copy.deepcopy(value)
        for key in ("annotations", "labels"):
            if key in meta:
                new["metadata"].setdefault(key, {}).update(meta[key])
        self._store(ref, old, new)
        return ref

    def remove(self, ref: Ref) -> None:
        """kubectl delete --wait=false."""
        obj = self.objects.get(ref)
        if obj is None:
            return
        if obj["metadata"].get("finalizers"):
            if not obj["metadata"].get("deletionTimestamp"):
                new = copy.deepcopy(obj)
                new["metadata"]["deletionTimestamp"] = rfc3339(self.now())
                self._store(ref, obj, new)
        else:
            self._drop(ref)

    def writes(self, verb: str | None = None) -> list[tuple[str, Ref]]:
        return [(v, r) for v, r in self.calls if v != "get" and (verb is None or v == verb)]

    def condition(self, ref: Ref, kind: str) -> Object | None:
        for item in self.objects[ref].get("status", {}).get("conditions", []):
            if item["type"] == kind:
                return item
        return None

    # Api.

    async def get(self, ref: Ref) -> Object:
        await self._called("get", ref)
        return copy.deepcopy(self._existing(ref))

    async def create(self, resource: ResourceType, body: Object) -> Object:
        ref = Ref(resource, body["metadata"].get("namespace") or "", body["metadata"]["name"])
        await self._called("create", ref)
        if ref in self.objects:
            raise ApiProblem(409, f"{ref} already exists")
        return copy.deepcopy(self._create(ref, body))

    async def apply(self, ref: Ref, body: Object, *, manager: str, subresource: str | None = None) -> Object:
        await self._called("apply-status" if subresource else "apply", ref)
        if subresource is None and ref not in self.objects:
            return copy.deepcopy(self._create(ref, body))
        old = self._existing(ref)
        wanted = body["metadata"].get("uid")
        if wanted is not None and wanted != old["metadata"]["uid"]:
            raise ApiProblem(409, f"{ref}: uid differs")
        new = copy.deepcopy(old)
        if subresource == "status":
            new["status"] = self._applied_status(ref, manager, old.get("status", {}), body["status"])
        else:
            _merge(new, {key: value for key, value in body.items() if key != "status"})
        self._store(ref, old, new)
        return copy.deepcopy(self.objects[ref])

    async def merge(self, ref: Ref, patch: Object) -> Object:
        await self._called("merge", ref)
        old = self._existing(ref)
        version = patch.get("metadata", {}).get("resourceVersion")
        if version is not None and version != old["metadata"]["resourceVersion"]:
            raise ApiProblem(409, f"{ref}: the object has been modified")
        new = copy.deepcopy(old)
        _merge(new, patch)
        added = set(new["metadata"].get("finalizers") or []) - set(old["metadata"].get("finalizers") or [])
        if added and old["metadata"].get("deletionTimestamp"):
            raise ApiProblem(422, "no new finalizers can be added if the object is being deleted")
        self._store(ref, old, new)
        return copy.deepcopy(new)

    async def delete(self, ref: Ref) -> None:
        await self._called("delete", ref)
        self._existing(ref)
        self.remove(ref)

    async def watch(self, resource: ResourceType) -> AsyncIterator[tuple[EventType, Object]]:
        queue: asyncio.Queue[tuple[EventType, Object]] = asyncio.Queue()
        self._watchers.append((resource, queue))
        for ref, obj in list(self.objects.items()):
            if ref.resource == resource:
                yield EventType.ADDED, copy.deepcopy(obj)
        yield EventType.SYNCED, {}
        while True:
            yield await queue.get()

    async def version(self) -> str:
        return "1.31.4"

    async def readyz(self) -> str:
        return "[+]ping ok\n[+]etcd ok\nreadyz check passed\n"

    async def _called(self, verb: str, ref: Ref) -> None:
        await asyncio.sleep(0)
        self.calls.append((verb, ref))
        if self.down:
            raise ApiProblem(0, "the API can't be reached")
        problem = self.refuse(verb, ref)
        if problem is not None:
            raise problem

    def _existing(self, ref: Ref) -> Object:
        if ref not in self.objects:
            raise ApiProblem(404, f"{ref} not found")
        return self.objects[ref]

    def _create(self, ref: Ref, body: Object) -> Object:
        if ref.namespace in self.terminating:
            raise ApiProblem(403, f"namespace {ref.namespace} is being terminated")
        obj = copy.deepcopy(body)
        meta: Any = obj["metadata"]
        number = next(self._versions)
        meta |= {
            "uid": f"uid-{number}",
            "resourceVersion": str(number),
            "generation": 1,
            "creationTimestamp": rfc3339(self.now().astimezone(UTC)),
        }
        self.objects[ref] = obj
        self._tell(EventType.ADDED, ref, obj)
        return obj

    def _store(self, ref: Ref, old: Object, new: Object) -> None:
        if new == old:
            return
        if new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] = old["metadata"]["generation"] + 1
        new["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[ref] = new
        if new["metadata"].get("deletionTimestamp") and not new["metadata"].get("finalizers"):
            self._drop(ref)
        else:
            self._tell(EventType.MODIFIED, ref, new)

    def _drop(self, ref: Ref) -> None:
        obj = self.objects.pop(ref)
        self._tell(EventType.DELETED, ref, obj)

    def _tell(self, kind: EventType, ref: Ref, obj: Object) -> None:
        for resource, queue in self._watchers:
            if resource == ref.resource:
                queue.put_nowait((kind, copy.deepcopy(obj)))

    def _applied_status(self, ref: Ref, manager: str, old: Object, wish: Object) -> Object:
        before = self._owned.get((ref, manager), {})
        status = {key: value for key, value in old.items() if key == "conditions" or key not in before}
        status |= {key: copy.deepcopy(value) for key, value in wish.items() if key != "conditions"}
        gone = {item["type"] for item in before.get("conditions", [])}
        mine = {item["type"]: item for item in wish.get("conditions", [])}
        kept = [item for item in old.get("conditions", []) if item["type"] not in gone | set(mine)]
        status["conditions"] = [*copy.deepcopy(list(mine.values())), *kept]
        self._owned[ref, manager] = copy.deepcopy(wish)
        return status


def _merge(target: Object, patch: Object) -> None:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = copy.deepcopy(value)
