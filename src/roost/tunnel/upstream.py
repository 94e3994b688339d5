"""A cluster behind a tunnel as the gateway sees it: `roost.api.exchange.Upstream` over one stream per request.

Made by `server.Hub.upstream`.
"""

from __future__ import annotations

from collections.abc import Callable

from roost.api.exchange import RequestHead, ResponseHead, UpstreamUnavailable
from roost.tunnel import heads
from roost.tunnel.frames import ProtocolError, Reset
from roost.tunnel.session import Channel, ChannelBroken, ChannelRefused, Session


class TunnelExchange:
    """One request and its answer. Implements `Exchange`."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def write(self, data: bytes) -> None:
        await self._channel.write(data)

    async def write_eof(self) -> None:
        self._channel.finish()

    async def head(self) -> ResponseHead:
        try:
            return heads.decode_response(await self._channel.answer())
        except ChannelRefused as refused:
            reason, message = heads.decode_problem(refused.payload)
            raise UpstreamUnavailable(reason or "UpstreamUnavailable", message) from None
        except ProtocolError as error:
            raise UpstreamUnavailable("AgentAnswerInvalid", f"the agent's answer can't be read: {error}") from error
        except ChannelBroken as error:
            raise UpstreamUnavailable(
                "TunnelInterrupted", f"the request was lost on its way through the tunnel: {error}", retry_after=2
            ) from error

    async def read(self, limit: int = 65536) -> bytes:
        return await self._channel.read(limit)

    async def abort(self) -> None:
        self._channel.reset(Reset.CANCELLED)


class TunnelUpstream:
    """The way to one cluster, by whichever of its tunnels has the least to do. Implements `Upstream`."""

    def __init__(self, choose: Callable[[], Session | None], absent: Callable[[], UpstreamUnavailable]) -> None:
        self._choose = choose
        self._absent = absent

    async def open(self, head: RequestHead) -> TunnelExchange:
        session = self._choose()
        if session is None:
            raise self._absent()
        try:
            end = head.content_length == 0 and not head.upgrade
            return TunnelExchange(session.open(heads.encode_request(head), end=end))
        except ChannelBroken as error:
            raise UpstreamUnavailable("TunnelBusy", str(error), retry_after=1) from error
        except ProtocolError as error:
            raise UpstreamUnavailable("RequestTooLarge", f"the request's head does not fit: {error}") from error
