"""List and watch one kind for ever: the stream under every cache. Called by the controllers' runtime.

What a reader may rely on: after `SYNCED` it has seen everything that existed; whatever happens to the
connection, the events that follow bring its picture to the truth (objects that vanished while nothing
was watched come as DELETED, in their last known form: name, namespace and uid). The stream ends only
by an error that looking again can't remove, or when the reader stops.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, cast

import httpx2
import msgspec
from lightkube.core.exceptions import ApiError
from lightkube.core.internal_models import meta_v1

from roost.api.errors import RoostError
from roost.kube.client import Client, Json
from roost.kube.errors import explain, is_gone
from roost.kube.resources import ResourceType

PAGE: Final = 500
WATCH_SECONDS: Final = (240, 480)
"""The server ends a watch after a random time between these; spread, so that many don't end at once."""


class EventType(StrEnum):
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    SYNCED = "SYNCED"
    """Everything that exists has been given. Comes after the first list and after each list again."""


@dataclass
class Picture:
    """Which objects the reader knows: (namespace, name) to (uid, resourceVersion)."""

    known: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict[tuple[str, str], tuple[str, str]])

    def take(self, kind: EventType, item: Json) -> list[tuple[EventType, Json]]:
        """Events of one watch event, with what is already known left out."""
        key, mark = _identity(item)
        former = self.known.get(key)
        if kind is EventType.DELETED:
            if former is None or former[0] != mark[0]:
                return []
            del self.known[key]
            return [(EventType.DELETED, item)]
        if former == mark:
            return []
        self.known[key] = mark
        if former is None:
            return [(EventType.ADDED, item)]
        if former[0] != mark[0]:
            return [(EventType.DELETED, _stub(item, key, former[0])), (EventType.ADDED, item)]
        return [(EventType.MODIFIED, item)]

    def missing(self, listed: set[tuple[str, str]], resource: ResourceType) -> list[tuple[EventType, Json]]:
        """DELETED for what a new list no longer holds."""
        base: Json = {"apiVersion": resource.api_version, "kind": resource.kind}
        gone = [key for key in self.known if key not in listed]
        return [(EventType.DELETED, _stub(base, key, self.known.pop(key)[0])) for key in gone]


def delay(failures: int, chance: float) -> float:
    """Seconds before the next try after so many failures in a row; `chance` from 0 to 1 spreads it."""
    return min(30.0, 0.5 * 2 ** min(failures - 1, 6)) * (0.5 + chance / 2)


def _silent(_problem: RoostError) -> None:
    return


async def list_and_watch(
    client: Client,
    resource: ResourceType,
    *,
    namespace: str | None = None,
    label_selector: str | None = None,
    field_selector: str | None = None,
    on_problem: Callable[[RoostError], None] = _silent,
) -> AsyncGenerator[tuple[EventType, Json]]:
    """Yields (type, object) for ever. `on_problem` is told of each failure; the stream then tries again.

    The object of SYNCED is `{"metadata": {"resourceVersion": …}}`. Every failure is tried again, 401 and
    403 too: certificates get renewed and access gets granted, and a reader can't do better.
    """
    selectors: dict[str, str] = {}
    if label_selector:
        selectors["labelSelector"] = label_selector
    if field_selector:
        selectors["fieldSelector"] = field_selector
    path = resource.path(namespace=namespace)
    picture = Picture()
    version: str | None = None
    failures = 0
    while True:
        try:
            if version is None:
                listed: set[tuple[str, str]] = set()
                at = ""
                async for item, at in _pages(client, path, resource, selectors):  # noqa: B007
                    if item is not None:
                        listed.add(_identity(item)[0])
                        for event in picture.take(EventType.MODIFIED, item):
                            yield event
                for event in picture.missing(listed, resource):
                    yield event
                version = at
                yield EventType.SYNCED, {"metadata": {"resourceVersion": version}}
            started = time.monotonic()
            async for kind, item in _watch(client, path, selectors, version):
                failures = 0
                version = str(item["metadata"]["resourceVersion"])
                if kind is not None:
                    for event in picture.take(kind, item):
                        yield event
            # A server (or a proxy before it) that ends each watch at once must not be asked in a hot loop.
            failures = failures + 1 if time.monotonic() - started < 1 else 0
            if failures:
                await asyncio.sleep(delay(failures, random.random()))  # noqa: S311
        except (httpx2.HTTPError, OSError, msgspec.DecodeError) as error:
            if is_gone(error):
                version = None
                if failures == 0:
                    failures = 1
                    continue
            failures += 1
            on_problem(explain(error, server=client.server, doing=f"watch {resource.plural}"))
            await asyncio.sleep(delay(failures, random.random()))  # noqa: S311


async def _pages(
    client: Client, path: str, resource: ResourceType, selectors: dict[str, str]
) -> AsyncGenerator[tuple[Json | None, str]]:
    """Every object with the list's resource version; (None, version) at least once."""
    query: dict[str, str | int] = {**selectors, "limit": PAGE}
    while True:
        page = await client.call("GET", path, query=query)
        metadata = cast("Json", page.get("metadata") or {})
        version = str(metadata.get("resourceVersion", ""))
        for item in cast("list[Json]", page.get("items") or []):
            # Items of a list carry no kind of their own.
            item.setdefault("apiVersion", resource.api_version)
            item.setdefault("kind", resource.kind)
            yield item, version
        yield None, version
        if not metadata.get("continue"):
            return
        query["continue"] = str(metadata["continue"])


async def _watch(
    client: Client, path: str, selectors: dict[str, str], version: str
) -> AsyncGenerator[tuple[EventType | None, Json]]:
    """Events until the server ends the watch; bookmarks come as (None, object)."""
    seconds = random.randint(*WATCH_SECONDS)  # noqa: S311
    query: dict[str, str | int | bool] = {
        **selectors,
        "watch": True,
        "allowWatchBookmarks": True,
        "resourceVersion": version,
        "timeoutSeconds": seconds,
    }
    async with client.lines(path, query=query, read_timeout=seconds + 30) as lines:
        async for line in lines:
            if not line:
                continue
            event = cast("Json", msgspec.json.decode(line))
            kind, item = str(event["type"]), cast("Json", event["object"])
            if kind == "ERROR":
                raise ApiError(status=msgspec.convert(item, meta_v1.Status))
            yield (None if kind == "BOOKMARK" else EventType(kind)), item


def _identity(item: Json) -> tuple[tuple[str, str], tuple[str, str]]:
    metadata = cast("Json", item["metadata"])
    return (
        (str(metadata.get("namespace") or ""), str(metadata["name"])),
        (str(metadata.get("uid", "")), str(metadata.get("resourceVersion", ""))),
    )


def _stub(item: Json, key: tuple[str, str], uid: str) -> Json:
    metadata = {"name": key[1], "uid": uid} | ({"namespace": key[0]} if key[0] else {})
    return {"apiVersion": item.get("apiVersion"), "kind": item.get("kind"), "metadata": metadata}
