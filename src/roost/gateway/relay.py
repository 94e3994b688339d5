"""Carries one exchange between a client and a cluster: bodies in both directions, and the raw stream after a 101.

Nothing is held but one window in each direction, so a slow reader slows only its own exchange. Called by dispatch.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final

from roost.api.exchange import Exchange, ResponseHead
from roost.gateway import headers as heads
from roost.gateway.front import Client, ClientGone
from roost.gateway.refusal import Refusal

_NO_BODY: Final = frozenset({204, 304})


@dataclass
class Carried:
    """What became of an exchange; the audit log's."""

    status: int = 0
    sent: int = 0
    received: int = 0
    gone: bool = False
    """The client left, or its session ended, before the end."""


class Relay:
    """One exchange under way. `end` cuts it, from anywhere."""

    def __init__(self, client: Client, exchange: Exchange, *, upgrade: bool, has_body: bool) -> None:
        self._client = client
        self._exchange = exchange
        self._upgrade = upgrade
        self._has_body = has_body
        self._aborting: asyncio.Task[None] | None = None
        self.carried = Carried()

    async def run(self) -> Carried:
        """Raises Refusal where nothing was answered yet; ClientGone when the client left."""
        upload = asyncio.create_task(self._upload()) if self._has_body else None
        self._client.when_gone(self._left)
        try:
            if upload is None and not self._upgrade:
                # Nothing comes; the front must have seen its end before another request may follow.
                await self._client.read()
                await self._exchange.write_eof()
            head = await self._exchange.head()
            self.carried.status = head.status
            if head.status == 101 or (self._upgrade and head.status < 400):
                self._client.when_gone(None)
                await self._switched(head)
            else:
                await self._download(head)
        except ConnectionError as error:
            if self.carried.gone or isinstance(error, ClientGone):
                self.carried.gone = True
                raise ClientGone("the client left") from error
            if self._client.started:
                # What was sent can't be taken back; that it is not whole is shown by the way the connection ends.
                self._client.abort()
                raise ClientGone("the cluster's answer broke off") from error
            raise Refusal(502, f"the cluster's answer broke off: {error}", cause="AnswerBrokeOff") from error
        finally:
            self._client.when_gone(None)
            if upload is not None:
                await _cancelled(upload)
            self.carried.sent = self._client.sent
            await self._exchange.abort()
        return self.carried

    async def end(self) -> None:
        """Cuts the exchange: the session of its client has ended, or a right was taken away."""
        self.carried.gone = True
        self._client.abort()
        await self._exchange.abort()

    def _left(self) -> None:
        """The client has closed its connection: nobody waits for the answer any more."""
        self.carried.gone = True
        self._aborting = asyncio.create_task(self._exchange.abort())

    async def _upload(self) -> None:
        try:
            await self._body()
        except ClientGone:
            self.carried.gone = True
            await self._exchange.abort()

    async def _body(self) -> None:
        with contextlib.suppress(ConnectionResetError, ConnectionAbortedError, BrokenPipeError):
            # A cluster that answers before it has read everything (413) closes its side; its answer still counts.
            while data := await self._client.read():
                self.carried.received += len(data)
                await self._exchange.write(data)
            await self._exchange.write_eof()

    async def _download(self, head: ResponseHead) -> None:
        await self._client.start(head.status, heads.back(head.headers), reason=head.reason)
        if head.status not in _NO_BODY:
            while data := await self._exchange.read():
                await self._client.send(data)
        await self._client.finish()

    async def _switched(self, head: ResponseHead) -> None:
        if head.status != 101 or not self._upgrade:
            # Whoever asked for an upgrade must not take an answer for one, nor get at the connection behind it.
            raise Refusal(
                502,
                f"the cluster answered {head.status}, which does not fit the request for an upgrade",
                cause="UpgradeRefused",
            )
        await self._client.switch(heads.back(head.headers, switched=True))
        up = asyncio.create_task(self._raw_up())
        down = asyncio.create_task(self._raw_down())
        try:
            done, _ = await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if down in done:
                return
            # The client has ended; the cluster may still have words, and time to end by itself.
            await asyncio.wait({down}, timeout=2.0)
        finally:
            await _cancelled(up)
            await _cancelled(down)

    async def _raw_up(self) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await self._client.raw_read():
                self.carried.received += len(data)
                await self._exchange.write(data)
            await self._exchange.write_eof()

    async def _raw_down(self) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await self._exchange.read():
                await self._client.raw_write(data)
            await self._client.flush()


async def _cancelled(task: asyncio.Task[None]) -> None:
    if not task.done():
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError, ConnectionError):
        await task
