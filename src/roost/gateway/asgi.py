"""Lets an ASGI application answer requests of the front: bodies both ways, no upgrades. Called by dispatch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import unquote

from roost.gateway.front import Client, Request
from roost.gateway.paths import Target
from roost.gateway.refusal import Refusal

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a body: what the console and the CLI send are documents."""


async def answer(app: Application, request: Request, client: Client, target: Target, *, state: dict[str, Any]) -> int:
    """Gives the status. Raises Refusal 413 before the application is asked for a body that is too large."""
    if request.content_length is not None and request.content_length > LARGEST:
        raise Refusal(413, f"the body has {request.content_length} bytes; at most {LARGEST} are taken")
    if request.upgrade:
        raise Refusal(400, "nothing is upgraded here", cause="UpgradeRefused")
    path = target.raw.partition("?")[0]
    scope: Message = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "https",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": target.query.encode(),
        "headers": [(name.lower(), value) for name, value in request.headers],
        "client": (request.address, 0),
        "server": None,
        "state": state,
    }
    taken = 0
    status = 500
    whole: dict[str, Any] = {}

    async def receive() -> Message:
        nonlocal taken
        data = await client.read()
        taken += len(data)
        if taken > LARGEST:
            raise Refusal(413, f"the body is larger than {LARGEST} bytes")
        return {"type": "http.request", "body": data, "more_body": bool(data)}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = int(message["status"])
            whole.update(message)
            return
        body = bytes(message.get("body", b""))
        more = bool(message.get("more_body"))
        headers = list(whole.get("headers", []))
        if not client.started:
            if not more:
                kept = [(name, value) for name, value in headers if name.lower() != b"content-length"]
                await client.answer(status, kept, body)
                return
            await client.start(status, headers)
        if body:
            await client.send(body)
        if not more:
            await client.finish()

    async with asyncio.timeout(120):
        await app(scope, receive, send)
    return status
