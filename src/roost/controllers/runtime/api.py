"""What controllers may ask of a Kubernetes API: a few calls on raw objects, and a watch.

`PlatformApi` (runtime.platform) implements it over roost.kube; unit tests implement it in memory. Objects
are plain dicts as they come over the wire: they are kept in thousands, and most are never looked into.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

from roost.kube.resources import ResourceType
from roost.kube.watch import EventType

Object = dict[str, Any]


@dataclass(frozen=True)
class Ref:
    """One object by name. Sorted by namespace and name."""

    resource: ResourceType
    namespace: str
    """Empty for resources without namespaces."""
    name: str

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.resource.kind} {where}{self.name}"

    def __lt__(self, other: Ref) -> bool:
        return (self.resource.kind, self.namespace, self.name) < (other.resource.kind, other.namespace, other.name)


class ApiProblem(Exception):
    """The API refused or did not answer. `code` is the HTTP status, 0 when there was no answer."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def not_found(self) -> bool:
        return self.code == 404

    @property
    def conflict(self) -> bool:
        return self.code == 409

    @property
    def refused(self) -> bool:
        """Forbidden or invalid: what a namespace that is going answers to new objects, for one."""
        return self.code in {403, 422}


class Api(Protocol):
    async def get(self, ref: Ref) -> Object: ...

    async def create(self, resource: ResourceType, body: Object) -> Object: ...

    async def apply(self, ref: Ref, body: Object, *, manager: str, subresource: str | None = None) -> Object:
        """Server-side apply with force."""
        ...

    async def merge(self, ref: Ref, patch: Object) -> Object:
        """JSON merge patch. `metadata.resourceVersion` in the patch makes it conditional (409)."""
        ...

    async def delete(self, ref: Ref) -> None: ...

    def watch(self, resource: ResourceType) -> AsyncIterator[tuple[EventType, Object]]:
        """As roost.kube.watch.list_and_watch: for ever, with the rules given there."""
        ...


def part(obj: Object | None, key: str) -> Object:
    """A nested object, empty where there is none."""
    return cast("Object", (obj or {}).get(key) or {})


def metadata(obj: Object) -> Object:
    return part(obj, "metadata")


def ref_of(resource: ResourceType, obj: Object) -> Ref:
    meta = metadata(obj)
    return Ref(resource, meta.get("namespace") or "", meta["name"])


def uid(obj: Object) -> str:
    return str(metadata(obj).get("uid") or "")


def generation(obj: Object) -> int:
    return int(metadata(obj).get("generation") or 0)


def deleting(obj: Object) -> bool:
    return bool(metadata(obj).get("deletionTimestamp"))


def finalizers(obj: Object) -> list[str]:
    return list(metadata(obj).get("finalizers") or [])


def annotation(obj: Object, key: str) -> str | None:
    return part(metadata(obj), "annotations").get(key)
