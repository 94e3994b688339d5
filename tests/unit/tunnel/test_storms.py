"""What happens when everybody comes at once."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable

import pytest

from roost.tunnel import heads, server
from roost.tunnel.agent.link import FIRST_DELAY, LONGEST_DELAY, Backoff
from roost.tunnel.frames import SUBPROTOCOL


def test_agents_do_not_come_back_at_once() -> None:
    """Full jitter: a thousand agents that lost the platform in one moment are spread over the whole delay."""
    draw = random.Random(7).random
    delays = sorted(Backoff(draw, limit=10.0).next() for _ in range(1000))
    assert delays[0] < 0.5 and delays[-1] > 9.5
    widest = max(later - earlier for earlier, later in itertools.pairwise(delays))
    assert widest < 0.5, "no gap, and no crowd"
    one = Backoff(lambda: 1.0)
    found = [one.next() for _ in range(30)]
    assert found[0] == FIRST_DELAY and found[-1] == LONGEST_DELAY and found == sorted(found)
    one.succeeded(1.0)
    assert one.next() == LONGEST_DELAY, "a tunnel that broke at once is no success"
    one.succeeded(3600.0)
    assert one.next() == FIRST_DELAY


class _Transport:
    """As much of asyncio's as a session of one end needs."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False
        self.protocol: object = self

    def connection_lost(self, _exc: object) -> None: ...

    def get_protocol(self) -> object:
        return self

    def set_protocol(self, protocol: object) -> None:
        self.protocol = protocol

    def get_extra_info(self, _name: str) -> None:
        return None

    def set_write_buffer_limits(self, high: int) -> None: ...

    def resume_reading(self) -> None: ...

    def write(self, data: bytes) -> None:
        self.written += data

    def writelines(self, parts: Iterable[bytes]) -> None:
        self.written += b"".join(parts)

    def close(self) -> None:
        self.closed = True

    abort = close


@pytest.mark.anyio
async def test_more_agents_than_can_be_greeted_are_asked_to_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handshakes under way are bounded; whoever is one too many hears `busy` and for how long to wait."""
    monkeypatch.setattr(server, "WAITING_AT_ONCE", 0)
    hub = server.Hub(_Nobody(), uid="hub")
    transport = _Transport()
    headers = (
        (b"Host", b"x"),
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Version", b"13"),
        (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        (b"Sec-WebSocket-Protocol", SUBPROTOCOL.encode()),
    )
    await hub.serve(server.Arrival(transport, headers))  # type: ignore[arg-type]
    assert b'"code":"busy"' in transport.written and transport.closed
    assert b'"retryAfter":5' in transport.written


class _Nobody:
    async def admit(self, challenge: heads.Challenge, hello: heads.Hello, peer: str) -> server.Admitted:
        raise AssertionError("nobody is asked")

    async def renew(self, admitted: server.Admitted, request_pem: str) -> str:
        raise AssertionError("nobody is asked")
