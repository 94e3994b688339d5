"""One start of the children, in the order that the architecture fixes.

Keys and encryption before etcd's first start; etcd, API, CRDs Established, the webhook answering, its
configuration, controllers; only then «ready». A start that finds everything applied by the last one
(`settled`) leaves looking at it again for after «ready». Called by start.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from roost.api.errors import PermanentFailure, RetryLater
from roost.api.names import API_VERSION
from roost.embedded import applied, components, door, files, freshness, ports, record, supervise
from roost.embedded.layout import Layout
from roost.embedded.record import Record
from roost.embedded.supervise import Supervisor

PATIENCE: Final = 240.0
"""Seconds that each step may take. A child that dies is seen at once; one that lives may have a busy computer."""


@dataclass(frozen=True)
class Options:
    """What `roost up` was asked for. None: as chosen before, else the default."""

    layout: Layout
    kubernetes_version: str | None = None
    port_base: int | None = None
    address: str | None = None
    gateways: int | None = None
    mirror: str | None = None
    programs: Path | None = None
    """A directory with the platform's programs, in place of a bundle's."""
    without: frozenset[str] = field(default_factory=frozenset[str])
    """Children that are not started."""
    webhooks: Callable[[str, int], list[dict[str, Any]]] | None = None
    """From the CA and the port to what makes the API server ask the webhook; the admission room's."""


class Sequence:
    """What a start does, step by step; kept afterwards to look after what it has started."""

    def __init__(self, options: Options, chosen: Record, supervisor: Supervisor, tell: Callable[..., None]) -> None:
        self.options = options
        self.layout = options.layout
        self.record = chosen
        self.supervisor = supervisor
        self.tell = tell
        self.settled = False
        """The API already held everything; it has yet to be looked at in full."""

    async def run(self) -> None:
        await self._etcd()
        await self._api()
        await self._kinds()
        await self._webhook()
        await self._rest()

    async def fill(self) -> None:
        """Applies everything that is roost's in the API, and stamps that."""
        from roost.embedded import bringup

        await bringup.apply_kinds(self.layout)
        await self._finish()

    async def _finish(self) -> None:
        from roost.embedded import bringup

        await bringup.apply_global(self.layout, self.record)
        if self._runs(components.ADMISSION):
            await bringup.apply_webhooks(self.layout, self._webhook_manifests())
            applied.stamp(self.layout, self.record, plurals=bringup.plurals())

    async def _etcd(self) -> None:
        now = datetime.now(UTC)
        if not freshness.is_fresh(self.layout, self.record, now=now):
            from roost.embedded import pki

            renewed = pki.ensure(self.layout, self.record, now=now.replace(microsecond=0))
            if renewed:
                self.tell("certificates", ", ".join(renewed))
        if not self.layout.encryption.exists():
            from roost.embedded import encryption

            encryption.ensure(self.layout)
        door.prepare(self.layout)
        record.save(self.layout.record, self.record)
        await self.supervisor.start(components.etcd(self.layout, self.record, self._program(components.ETCD)))

    async def _api(self) -> None:
        from roost.embedded import audit

        audit.ensure(self.layout)
        await self._wait_port(components.ETCD, self.record.ports.etcd, seconds=PATIENCE)
        self.tell("etcd")
        await self.supervisor.start(components.api(self.layout, self.record, self._program(components.API)))
        if self._runs(components.ADMISSION):
            self._readiness(components.ADMISSION).unlink(missing_ok=True)
            await self.supervisor.start(components.own(self.layout, components.ADMISSION))
        # From here on the API server needs its time, and what follows is imported meanwhile; in a thread, so
        # that the loop notices a child's death.
        await asyncio.to_thread(__import__, "roost.embedded.registry")
        from roost.embedded import registry

        for program in registry.programs(self.layout, self.record, self._program(components.REGISTRY)):
            await self.supervisor.start(program)

    async def _kinds(self) -> None:
        known = applied.kinds(self.layout, self.record) if self._runs(components.ADMISSION) else None
        if known is None:
            await asyncio.to_thread(__import__, "roost.embedded.bringup")
            await self._encrypting()
        await asyncio.to_thread(__import__, "roost.embedded.probe")
        from roost.embedded import probe

        await self._wait_port(components.API, self.record.ports.api, seconds=PATIENCE)
        api = probe.Probe(self.layout, self.record)
        await api.wait_ready(seconds=PATIENCE, check=self.supervisor.check)
        self.tell("api")
        self.settled = known is not None and known <= await api.serves(API_VERSION)
        if not self.settled:
            from roost.embedded import bringup

            await bringup.apply_kinds(self.layout)
        files.write_private(self.layout.served, "")
        self.tell("kinds")

    async def _webhook(self) -> None:
        if self._runs(components.ADMISSION):
            await self._wait_file(self._readiness(components.ADMISSION), seconds=PATIENCE, what="the webhook")
            await self._wait_port(components.ADMISSION, self.record.ports.webhook, seconds=PATIENCE)
            self.tell("webhook")
        if not self.settled:
            await self._finish()

    async def _rest(self) -> None:
        await self._wait_port(components.REGISTRY, self.record.ports.registry, seconds=PATIENCE)
        if self.record.address:
            port = self.record.ports.registry_tls
            await self._wait_port(components.REGISTRY_TLS, port, seconds=PATIENCE, address=self.record.address)
        self.tell("registry")
        program = self._program(components.CONTROLLER_MANAGER)
        await self.supervisor.start(components.controller_manager(self.layout, self.record, program))
        if self._runs(components.GATEWAY):
            # Nobody waits for it: it listens a moment later, and what asks it tries again until then.
            for name in components.gateways(self.record.gateways):
                await self.supervisor.start(components.own(self.layout, name))
        if self._runs(components.CONTROLLERS):
            await self._controllers()
            self.tell("controllers")

    async def _controllers(self) -> None:
        """Waits for them where a Cluster would be refused until they have written what can be installed: where
        the API was empty, or the bundles are others than when they last said that they are ready."""
        ready = self._readiness(components.CONTROLLERS)
        behind = not self.settled or freshness.is_behind(self.layout.looked, self.layout.bundles)
        ready.unlink(missing_ok=True)
        await self.supervisor.start(components.own(self.layout, components.CONTROLLERS))
        if behind:
            await self._wait_file(ready, seconds=PATIENCE, what="the controllers")

    async def _encrypting(self) -> None:
        """A kind that came with this roost is encrypted from its first object on."""
        from roost.embedded import encryption

        if not encryption.is_current(self.layout):
            encryption.ensure(self.layout)
            await self.supervisor.replace(self.supervisor.children[components.API].program)

    def _webhook_manifests(self) -> list[dict[str, Any]]:
        assert self.options.webhooks is not None
        ca_pem = self.layout.certificate("platform-ca").read_text()
        return self.options.webhooks(ca_pem, self.record.ports.webhook)

    def _runs(self, name: str) -> bool:
        return name not in self.options.without

    def _program(self, name: str) -> Path:
        return self.layout.programs(self.record.kubernetes_version) / name

    def _readiness(self, name: str) -> Path:
        return self.layout.run / f"{name}.ready"

    async def _wait_file(self, path: Path, *, seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while not path.exists():
            self.supervisor.check()
            if time.monotonic() >= end:
                raise RetryLater("NotReady", f"{what} is not ready after {seconds:g} s (it would write {path})")
            await asyncio.sleep(0.02)

    async def _wait_port(self, name: str, port: int, *, seconds: float, address: str = ports.LOOPBACK) -> None:
        end = time.monotonic() + seconds
        while True:
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as caller:
                if caller.connect_ex((address, port)) == 0:
                    return
            self.supervisor.check()
            if time.monotonic() >= end:
                words = supervise.last_words(self.layout.log(name))
                raise PermanentFailure(
                    "NotReady", f"{name} does not listen on port {port} after {seconds:g} s; its last words: {words}"
                )
            await asyncio.sleep(0.02)
