"""The world as the API last told it: per resource a dict of raw objects, with indexes and change handlers.

Controllers read only from here; the API is asked again for what the cache does not keep (the data of
Secrets). Objects in the cache are never changed in place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from roost.controllers.runtime.api import Api, Object, Ref, metadata, ref_of
from roost.kube.resources import ResourceType
from roost.kube.watch import EventType

Handler = Callable[[Object | None, Object | None], None]
"""(old, new): None for old means it appeared, None for new that it is gone."""
Slim = Callable[[Object], Object]
IndexOf = Callable[[Object], Iterable[str]]


def without_managed_fields(obj: Object) -> Object:
    """What nothing here reads, and what is half of an object."""
    return {**obj, "metadata": {key: value for key, value in metadata(obj).items() if key != "managedFields"}}


class Cache:
    def __init__(self, api: Api, resources: Mapping[ResourceType, Slim]) -> None:
        """`resources` maps each watched resource to what reduces its objects to what is worth keeping."""
        self._api = api
        self._slim = dict(resources)
        self._objects: dict[ResourceType, dict[Ref, Object]] = {resource: {} for resource in resources}
        self._handlers: dict[ResourceType, list[Handler]] = {resource: [] for resource in resources}
        self._indexes: dict[ResourceType, dict[str, IndexOf]] = {resource: {} for resource in resources}
        self._by: dict[tuple[ResourceType, str], dict[str, set[Ref]]] = {}
        self._synced: dict[ResourceType, asyncio.Event] = {resource: asyncio.Event() for resource in resources}
        self._appeared: dict[Ref, float] = {}

    def on_change(self, resource: ResourceType, handler: Handler) -> None:
        """Handlers are quick and never raise; they are told of every object of the first list, too."""
        self._handlers[resource].append(handler)

    def index(self, resource: ResourceType, name: str, values: IndexOf) -> None:
        """Before `run`. A value that must tell namespaces apart holds the namespace."""
        self._indexes[resource][name] = values
        self._by[resource, name] = {}

    def get(self, ref: Ref) -> Object | None:
        return self._objects[ref.resource].get(ref)

    def all(self, resource: ResourceType) -> list[Object]:
        return list(self._objects[resource].values())

    def count(self, resource: ResourceType) -> int:
        return len(self._objects[resource])

    def by(self, resource: ResourceType, index: str, value: str) -> list[Object]:
        """In order of their names."""
        objects = self._objects[resource]
        return [objects[ref] for ref in sorted(self._by[resource, index].get(value, ()))]

    def appeared(self, ref: Ref) -> float | None:
        """When the object was first heard of, by the loop's clock; None for one of the first list, or none at all.

        The API's own creationTimestamp is cut to whole seconds.
        """
        return self._appeared.get(ref)

    async def synced(self) -> None:
        """Returns once every resource's first list is in."""
        for event in self._synced.values():
            await event.wait()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for resource in self._objects:
                group.create_task(self._follow(resource))

    async def _follow(self, resource: ResourceType) -> None:
        async for kind, obj in self._api.watch(resource):
            match kind:
                case EventType.SYNCED:
                    self._synced[resource].set()
                case EventType.DELETED:
                    self._replace(ref_of(resource, obj), None)
                case EventType.ADDED | EventType.MODIFIED:
                    self._replace(ref_of(resource, obj), self._slim[resource](obj))

    def _replace(self, ref: Ref, new: Object | None) -> None:
        objects = self._objects[ref.resource]
        old = objects.pop(ref, None)
        if new is not None:
            objects[ref] = new
        for name, values in self._indexes[ref.resource].items():
            table = self._by[ref.resource, name]
            before = set(values(old)) if old is not None else set[str]()
            after = set(values(new)) if new is not None else set[str]()
            _reindex(table, ref, before=before, after=after)
        if old is None and new is None:
            return
        if new is None:
            self._appeared.pop(ref, None)
        elif old is None and self._synced[ref.resource].is_set():
            self._appeared[ref] = asyncio.get_running_loop().time()
        for handler in self._handlers[ref.resource]:
            handler(old, new)


def _reindex(table: dict[str, set[Ref]], ref: Ref, *, before: set[str], after: set[str]) -> None:
    for value in before - after:
        table[value].discard(ref)
        if not table[value]:
            del table[value]
    for value in after - before:
        table.setdefault(value, set()).add(ref)
