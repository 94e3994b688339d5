"""Keeps one connection per machine, so that a reconcile costs no key exchange. A Connector itself.

Made once per process by main.py's wiring and handed to providers; closed at the end.
"""

from __future__ import annotations

import asyncio
from typing import Final

from roost.ssh.connection import Connection, Connector, Proxy, Target

CONNECTS: Final = 32
"""Key exchanges at once in all; asyncssh works in one process."""
CONNECTS_PER_PROXY: Final = 8
"""sshd and proxies drop bursts (MaxStartups 10:30:100)."""


class Pool:
    """Equal targets share a connection; one that broke is replaced at the next call.

    A target whose credentials changed is another target: the older connection to the same machine is
    closed once the new one stands.
    """

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._connections: dict[Target, Connection] = {}
        self._locks: dict[Target, asyncio.Lock] = {}
        self._connects = asyncio.Semaphore(CONNECTS)
        self._proxies: dict[Proxy, asyncio.Semaphore] = {}

    async def __call__(self, target: Target) -> Connection:
        async with self._locks.setdefault(target, asyncio.Lock()):
            kept = self._connections.get(target)
            if kept is not None and not kept.closed:
                return kept
            connection = await self._connect(target)
            self._connections[target] = connection
        await self._retire(target)
        return connection

    async def drop(self, name: str) -> None:
        """Close what is kept for the machine of that name (deleted, or to be tried afresh)."""
        for target in [t for t in self._connections if t.name == name]:
            await self._close(target)

    async def close(self) -> None:
        for target in list(self._connections):
            await self._close(target)

    async def _connect(self, target: Target) -> Connection:
        async with self._connects:
            if target.proxy is None:
                return await self._connector(target)
            async with self._proxies.setdefault(target.proxy, asyncio.Semaphore(CONNECTS_PER_PROXY)):
                return await self._connector(target)

    async def _retire(self, newer: Target) -> None:
        """Close connections to the same machine with other credentials."""
        for target in list(self._connections):
            if target != newer and _machine(target) == _machine(newer):
                await self._close(target)

    async def _close(self, target: Target) -> None:
        connection = self._connections.pop(target, None)
        self._locks.pop(target, None)
        if connection is not None:
            await connection.close()


def _machine(target: Target) -> tuple[str, str, int]:
    return (target.name, target.address, target.port)
