"""Counts what goes over a connection: commands, round trips, bytes. For the log of the controllers, for
benchmarks and for the tests that hold «the second run changes nothing»."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass, field

from roost.ssh.connection import Command, Connection, Connector, Result, Target


@dataclass(frozen=True)
class Exchange:
    """One command and its answer (one round trip), or the opening of a connection (`CONNECT`, no bytes)."""

    machine: str
    title: str
    bytes_sent: int
    """Script and payload, without SSH's own frames."""
    bytes_received: int
    seconds: float


CONNECT = "connect"


@dataclass
class Count:
    """Totals of all connections that share it."""

    connects: int = 0
    commands: int = 0
    bytes_sent: int = 0
    """Scripts and payloads, without SSH's own frames."""
    bytes_received: int = 0
    titles: list[str] = field(default_factory=list[str])
    """Of the commands, in the order of their start, as `MACHINE: TITLE`."""


class CountingConnection:
    """A Connection that passes everything on and counts it. One command is one round trip."""

    def __init__(
        self, inner: Connection, count: Count, *, report: Callable[[Exchange], None] = lambda _exchange: None
    ) -> None:
        """`report` hears of each command when it has ended, well or not."""
        self._inner = inner
        self._count = count
        self._report = report

    @property
    def target(self) -> Target:
        return self._inner.target

    @property
    def host_key(self) -> str:
        return self._inner.host_key

    @property
    def closed(self) -> bool:
        return self._inner.closed

    async def run(
        self,
        command: Command,
        *,
        payload: bytes | AsyncIterable[bytes] | None = None,
        on_line: Callable[[str], None] | None = None,
        timeout: float = 60.0,
    ) -> Result:
        began = time.monotonic()
        own = Count(commands=1, titles=[f"{self.target.name}: {command.title}"])
        own.bytes_sent = len(command.script.encode())
        self._count.commands += 1
        self._count.titles += own.titles
        if isinstance(payload, bytes):
            own.bytes_sent += len(payload)
        elif payload is not None:
            payload = _counted(payload, own)
        try:
            result = await self._inner.run(command, payload=payload, on_line=on_line, timeout=timeout)
            own.bytes_received = len(result.stdout.encode()) + len(result.stderr.encode())
            return result
        finally:
            self._count.bytes_sent += own.bytes_sent
            self._count.bytes_received += own.bytes_received
            seconds = time.monotonic() - began
            self._report(
                Exchange(self.target.name, command.title, own.bytes_sent, own.bytes_received, round(seconds, 3))
            )

    async def close(self) -> None:
        await self._inner.close()


async def _counted(payload: AsyncIterable[bytes], count: Count) -> AsyncIterator[bytes]:
    async for chunk in payload:
        count.bytes_sent += len(chunk)
        yield chunk


def counting(connector: Connector, count: Count) -> Connector:
    """A Connector whose connections count into `count`. Wrap a Pool with it, or the Pool's connector."""

    async def connect(target: Target) -> Connection:
        connection = await connector(target)
        count.connects += 1
        return CountingConnection(connection, count)

    return connect


def reporting(connector: Connector, report: Callable[[Exchange], None]) -> Connector:
    """A Connector whose connections tell `report` of their opening and of each command."""

    async def connect(target: Target) -> Connection:
        began = time.monotonic()
        connection = await connector(target)
        report(Exchange(target.name, CONNECT, 0, 0, round(time.monotonic() - began, 3)))
        return CountingConnection(connection, Count(), report=report)

    return connect
