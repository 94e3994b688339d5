"""Waits for an API and for objects in it. Called by embedded (start), the provider (a new cluster) and tests.

Every wait has an end, and its error says what was seen last.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import httpx2
from lightkube.core.exceptions import ApiError

from roost.api.errors import RetryLater
from roost.kube.client import Client, Json
from roost.kube.errors import explain, is_not_found
from roost.kube.resources import CRD, ResourceType


def condition(item: Mapping[str, Any] | None, kind: str) -> Mapping[str, Any] | None:
    """The condition of a type, or None."""
    status = cast("Mapping[str, Any]", (item or {}).get("status") or {})
    for entry in cast("list[Mapping[str, Any]]", status.get("conditions") or []):
        if entry.get("type") == kind:
            return entry
    return None


def is_true(item: Mapping[str, Any] | None, kind: str) -> bool:
    found = condition(item, kind)
    return found is not None and found.get("status") == "True"


async def wait_ready(client: Client, *, seconds: float, path: str = "/readyz", interval: float = 0.05) -> None:
    """Until the API says that it is ready. Raises RetryLater with its last answer."""
    end = time.monotonic() + seconds
    while True:
        try:
            await client.text(path)
            return
        except (httpx2.HTTPError, OSError) as error:
            last = explain(error, server=client.server)
        if time.monotonic() >= end:
            raise RetryLater("ApiNotReady", f"{client.server}{path} is not ready after {seconds:g} s: {last.message}")
        await asyncio.sleep(interval)


async def wait_for(
    client: Client,
    resource: ResourceType,
    *,
    name: str,
    namespace: str | None = None,
    until: Callable[[Json | None], bool],
    what: str,
    seconds: float,
    interval: float = 0.1,
) -> Json | None:
    """Looks at one object (None: it isn't there) until `until` holds, and gives it. `what` names the wish."""
    end = time.monotonic() + seconds
    path = resource.path(namespace=namespace, name=name)
    while True:
        item: Json | None = None
        seen = "it does not exist"
        try:
            item = await client.call("GET", path)
            seen = _conditions(item)
        except (httpx2.HTTPError, OSError) as error:
            if not (isinstance(error, ApiError) and is_not_found(error)):
                seen = explain(error, server=client.server).message
                item = None
                if time.monotonic() < end:
                    await asyncio.sleep(interval)
                    continue
        if until(item):
            return item
        if time.monotonic() >= end:
            raise RetryLater("WaitedTooLong", f"{resource.kind} {name} is not {what} after {seconds:g} s: {seen}")
        await asyncio.sleep(interval)


async def wait_established(client: Client, names: Iterable[str], *, seconds: float = 30.0) -> None:
    """Until the CustomResourceDefinitions are served."""
    for name in names:
        await wait_for(
            client,
            CRD,
            name=name,
            until=lambda item: is_true(item, "Established"),
            what="Established",
            seconds=seconds,
            interval=0.05,
        )


def _conditions(item: Json) -> str:
    status = cast("Json", item.get("status") or {})
    conditions = cast("list[Json]", status.get("conditions") or [])
    words = [
        f"{c.get('type')}={c.get('status')} {c.get('message') or c.get('reason') or ''}".strip() for c in conditions
    ]
    return ", ".join(words) or "it has no conditions"
