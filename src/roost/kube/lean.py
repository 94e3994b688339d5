"""JSON calls and a watch over Direct, for a process that must start fast and stay small: the gateway.

Everything else uses kube/client. Errors are `ApiAnswer` with what the API said, `UpstreamUnavailable` where nobody
answers.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final, cast
from urllib.parse import urlencode

from roost.api.errors import RoostError
from roost.api.exchange import Exchange, Headers, Identity, RequestHead, Upstream, UpstreamUnavailable
from roost.kube.direct import Direct

Json = dict[str, Any]

APPLY: Final = "application/apply-patch+yaml"
LARGEST: Final = 64 * 1024 * 1024
SECONDS: Final = 15.0


class ApiAnswer(RoostError):
    """The API said no."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.code = code


class Lean:
    """The API behind one Direct, with its own rights."""

    def __init__(self, direct: Direct) -> None:
        self.direct: Final = direct

    async def call(
        self, method: str, path: str, body: object = None, *, content_type: str = "application/json"
    ) -> Json:
        """One request; gives the decoded JSON. Raises ApiAnswer, UpstreamUnavailable."""
        data = b"" if body is None else json.dumps(body).encode()
        headers = _headers(content_type if data else "")
        async with asyncio.timeout(SECONDS):
            exchange = await self.direct.open_own(method, path, headers, content_length=len(data))
            return await _finish(exchange, data)

    async def apply(self, path: str, document: Mapping[str, Any], *, manager: str) -> Json:
        """Server-side apply of one object; path is the object's own."""
        query = urlencode({"fieldManager": manager, "force": "true"})
        return await self.call("PATCH", f"{path}?{query}", document, content_type=APPLY)

    async def follow(self, path: str, *, selector: str = "") -> AsyncGenerator[tuple[str, Json]]:
        """List and watch for ever: («ADDED» | «MODIFIED» | «DELETED», object) and («SYNCED», {}) after each list.

        A list gives ADDED again for everything, and DELETED for what is gone since.
        """
        known: dict[str, Json] = {}
        version: str | None = None
        failures = 0
        query = {"labelSelector": selector} if selector else {}
        while True:
            try:
                if version is None:
                    listed = await self.call("GET", f"{path}?{urlencode({**query, 'limit': '0'})}")
                    items = {_key(item): item for item in cast("list[Json]", listed.get("items") or [])}
                    for key in [key for key in known if key not in items]:
                        yield "DELETED", known.pop(key)
                    for key, item in items.items():
                        known[key] = _slim(item)
                        yield "ADDED", item
                    version = str(listed["metadata"]["resourceVersion"])
                    yield "SYNCED", {}
                async for kind, item in self._watch(path, query, version):
                    failures = 0
                    version = str(item["metadata"]["resourceVersion"])
                    if kind == "BOOKMARK":
                        continue
                    if kind == "DELETED":
                        known.pop(_key(item), None)
                    else:
                        known[_key(item)] = _slim(item)
                    yield kind, item
                await asyncio.sleep(0.1)
            except (RoostError, OSError, TimeoutError, ValueError) as error:
                if isinstance(error, ApiAnswer) and error.code == 410:
                    version = None
                failures += 1
                await asyncio.sleep(min(10.0, 0.25 * 2 ** min(failures, 6)) * (0.5 + random.random() / 2))  # noqa: S311

    async def _watch(self, path: str, query: dict[str, str], version: str) -> AsyncGenerator[tuple[str, Json]]:
        seconds = random.randint(240, 480)  # noqa: S311
        asked = {
            **query,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
        }
        exchange = await self.direct.open_own("GET", f"{path}?{urlencode(asked)}", _headers(""))
        try:
            head = await exchange.head()
            if head.status != 200:
                raise _refused(head.status, await _body(exchange))
            rest = b""
            while data := await exchange.read():
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    event = cast("Json", json.loads(line))
                    kind, item = str(event["type"]), cast("Json", event["object"])
                    if kind == "ERROR":
                        raise ApiAnswer(
                            int(item.get("code") or 410), str(item.get("reason")), str(item.get("message"))
                        )
                    yield kind, item
        finally:
            await exchange.abort()


async def ask(upstream: Upstream, head: RequestHead) -> Json:
    """One request without a body, with somebody's identity."""
    async with asyncio.timeout(SECONDS):
        return await _finish(await upstream.open(head), b"")


async def ask_as(
    upstream: Upstream, identity: Identity, path: str, body: Mapping[str, Any], *, audit_id: str = ""
) -> Json:
    """POSTs one question (a SelfSubjectAccessReview) with somebody's identity, over any upstream."""
    data = json.dumps(body).encode()
    head = RequestHead("POST", path, _headers("application/json"), identity, audit_id, content_length=len(data))
    async with asyncio.timeout(SECONDS):
        return await _finish(await upstream.open(head), data)


async def _finish(exchange: Exchange, data: bytes) -> Json:
    try:
        if data:
            await exchange.write(data)
        await exchange.write_eof()
        head = await exchange.head()
        body = await _body(exchange)
        if head.status >= 400:
            raise _refused(head.status, body)
        return cast("Json", json.loads(body)) if body else {}
    except (ConnectionError, ValueError) as error:
        raise UpstreamUnavailable("ApiUnreachable", f"the API's answer broke off: {error}") from error
    finally:
        await exchange.abort()


async def _body(exchange: Exchange) -> bytes:
    parts: list[bytes] = []
    size = 0
    while data := await exchange.read():
        parts.append(data)
        size += len(data)
        if size > LARGEST:
            raise ApiAnswer(413, "TooLarge", "the API's answer is larger than roost takes")
    return b"".join(parts)


def _refused(status: int, body: bytes) -> ApiAnswer:
    try:
        document = cast("Json", json.loads(body))
        return ApiAnswer(status, str(document.get("reason") or status), str(document.get("message") or ""))
    except (ValueError, AttributeError):
        return ApiAnswer(status, str(status), body[:300].decode(errors="replace"))


def _headers(content_type: str) -> Headers:
    found = [(b"Accept", b"application/json"), (b"User-Agent", b"roost-gateway")]
    if content_type:
        found.append((b"Content-Type", content_type.encode()))
    return tuple(found)


def _key(item: Json) -> str:
    metadata = cast("Json", item["metadata"])
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


def _slim(item: Json) -> Json:
    """What a later DELETED needs."""
    metadata = cast("Json", item["metadata"])
    return {"metadata": {key: metadata.get(key) for key in ("name", "namespace", "uid", "labels", "resourceVersion")}}
