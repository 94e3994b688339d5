"""Carries one request of the platform to the API server, if the policy lets it pass. One call per stream.

The answer's bytes go on as they come, in both directions, and a stream that is reset ends the request at the API
server at once. What changes something, and what was denied, stands in the agent's own log.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any, Final

from roost.api.exchange import Headers, RequestHead, ResponseHead
from roost.tunnel import heads
from roost.tunnel.agent import policy as policies
from roost.tunnel.agent.api import Api, RequestRefused
from roost.tunnel.agent.policy import Denied, Policy
from roost.tunnel.frames import ProtocolError, Reset
from roost.tunnel.session import Channel, ChannelBroken
from roost.wire.http1 import BrokenAnswer, Connection

DRAIN_SECONDS: Final = 2.0
_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"proxy-connection"}
)
_AGAIN: Final = frozenset({"GET", "HEAD"})

Log = Callable[..., None]


class Carrying:
    """What all streams share. `current`: the policy as last read, None when it can't be."""

    def __init__(self, api: Api, current: Callable[[], Policy | None], log: Log) -> None:
        self._api = api
        self._current = current
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, channel: Channel) -> None:
        """Starts carrying a stream that the platform opened."""
        task = asyncio.get_running_loop().create_task(self._serve(channel))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        channel.on_broken = task.cancel

    async def _serve(self, channel: Channel) -> None:
        try:
            await self._carry(channel)
        except asyncio.CancelledError:
            if not channel.is_broken:
                channel.reset(Reset.CANCELLED)
        except ChannelBroken:
            pass
        except BrokenAnswer as error:
            self._fail(channel, str(error))
        except (OSError, TimeoutError) as error:
            self._fail(channel, f"the agent does not reach its API server: {error or 'no answer in time'}")
        except ProtocolError as error:
            channel.refuse(heads.encode_problem("RequestInvalid", f"the agent can't read the request: {error}"))
        except Exception as error:  # The log names it; the other streams go on.
            self._log("error", cause=f"{type(error).__name__}: {error}")
            self._fail(channel, "an error in the agent; its log names it")

    def _fail(self, channel: Channel, message: str) -> None:
        if channel.stream.answered:
            channel.reset(Reset.UPSTREAM_BROKEN)
        else:
            channel.refuse(heads.encode_problem("ApiServerUnreachable", message))

    async def _carry(self, channel: Channel) -> None:
        head = heads.decode_request(channel.stream.head)
        asked = policies.judge(self._current(), head, namespace=self._api.place.namespace)
        if isinstance(asked, Denied):
            self._log("denied", user=head.identity.user, audit=head.audit_id, method=head.method, why=asked.message)
            await _answer(channel, 403, asked.message)
            return
        if head.upgrade or asked.verb not in policies.READS:
            self._log("passed", user=head.identity.user, audit=head.audit_id, verb=asked.verb, path=asked.path)
        chunked = head.content_length is None and not head.upgrade
        try:
            request = self._api.head_for(head, chunked=chunked)
        except RequestRefused as refused:
            await _answer(channel, 400, str(refused))
            return
        bodiless = head.upgrade or head.content_length == 0
        connection = await self._begin(head, request, again=bodiless and head.method in _AGAIN)
        try:
            if head.upgrade:
                await _switch(channel, connection)
            else:
                await _stream(channel, connection, chunked=chunked, bodiless=bodiless)
        finally:
            self._api.give_back(connection)

    async def _begin(self, head: RequestHead, request: bytes, *, again: bool) -> Connection:
        """Sends the head. A kept connection may have been closed meanwhile: what may be repeated is."""
        connection = await self._api.connect()
        connection.request(head.method, request)
        if not again:
            return connection
        connection.sent()
        try:
            await connection.head()
        except BrokenAnswer as error:
            if not connection.reused or error.began:
                raise
            connection = await self._api.connect(fresh=True)
            connection.request(head.method, request)
            connection.sent()
        except BaseException:
            connection.abort()
            raise
        return connection


async def _stream(channel: Channel, connection: Connection, *, chunked: bool, bodiless: bool) -> None:
    upload = None
    if bodiless:
        connection.sent()
    else:
        upload = asyncio.get_running_loop().create_task(_upload(channel, connection, chunked=chunked))
    try:
        answer = await connection.head()
        channel.accept(heads.encode_response(ResponseHead(answer.status, answer.reason, _onward(answer.headers))))
        while piece := await connection.read():
            await channel.write(piece)
        channel.finish()
    finally:
        if upload is not None:
            upload.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await upload


async def _upload(channel: Channel, connection: Connection, *, chunked: bool) -> None:
    with contextlib.suppress(BrokenAnswer):
        # An API server that answers before it has read everything closes its side; its answer still counts.
        while data := await channel.read():
            await (connection.write(b"%x\r\n" % len(data), data, b"\r\n") if chunked else connection.write(data))
        if chunked:
            await connection.write(b"0\r\n\r\n")
        connection.sent()


async def _switch(channel: Channel, connection: Connection) -> None:
    answer = await connection.head()
    switched = answer.status == 101
    onward = answer.headers if switched else _onward(answer.headers)
    channel.accept(heads.encode_response(ResponseHead(answer.status, answer.reason, onward)))
    if not switched:
        while piece := await connection.read():
            await channel.write(piece)
        channel.finish()
        return
    loop = asyncio.get_running_loop()
    up = loop.create_task(_raw_up(channel, connection))
    down = loop.create_task(_raw_down(channel, connection))
    try:
        done, _ = await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        if down not in done:
            # The client has ended; the API server may still have words, and time to end by itself.
            await asyncio.wait({down}, timeout=DRAIN_SECONDS)
    finally:
        for task in (up, down):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await task
        connection.abort()
        channel.finish()


async def _raw_up(channel: Channel, connection: Connection) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await channel.read():
            await connection.write(data)


async def _raw_down(channel: Channel, connection: Connection) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await connection.read():
            await channel.write(data)
        channel.finish()


def _onward(headers: Headers) -> Headers:
    return tuple((name, value) for name, value in headers if name.lower() not in _HOP)


async def _answer(channel: Channel, code: int, message: str) -> None:
    """A Status of the agent's own."""
    reason = {403: "Forbidden", 400: "BadRequest"}[code]
    status: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    body = json.dumps(status).encode()
    headers = ((b"Content-Type", b"application/json"), (b"Content-Length", str(len(body)).encode()))
    channel.accept(heads.encode_response(ResponseHead(code, reason, headers)))
    await channel.write(body)
    channel.finish()
