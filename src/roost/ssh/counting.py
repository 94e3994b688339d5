"""Counts what goes over a connection: commands, round trips, bytes. For benchmarks and for the tests that
hold «the second run changes nothing»."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass, field

from roost.ssh.connection import Command, Connection, Connector, Result, Target


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

    def __init__(self, inner: Connection, count: Count) -> None:
        self._inner = inner
        self._count = count

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
        self._count.commands += 1
        self._count.titles.append(f"{self.target.name}: {command.title}")
        self._count.bytes_sent += len(command.script.encode())
        if isinstance(payload, bytes):
            self._count.bytes_sent += len(payload)
        elif payload is not None:
            payload = self._counted(payload)
        result = await self._inner.run(command, payload=payload, on_line=on_line, timeout=timeout)
        self._count.bytes_received += len(result.stdout.encode()) + len(result.stderr.encode())
        return result

    async def close(self) -> None:
        await self._inner.close()

    async def _counted(self, payload: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        async for chunk in payload:
            self._count.bytes_sent += len(chunk)
            yield chunk


def counting(connector: Connector, count: Count) -> Connector:
    """A Connector whose connections count into `count`. Wrap a Pool with it, or the Pool's connector."""

    async def connect(target: Target) -> Connection:
        connection = await connector(target)
        count.connects += 1
        return CountingConnection(connection, count)

    return connect
