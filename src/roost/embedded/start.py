"""`roost up`: from a data directory to a ready platform, and the watch over it until it is told to stop.

Order: programs, keys and encryption before etcd's first start; etcd, API, CRDs Established, the webhook
answering, its configuration, controllers; only then «ready». Called by cli/up. Imports little, since the
children start while the rest is still being imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roost.api.errors import PermanentFailure
from roost.embedded import components, files, freshness, lock, ports, record, supervise
from roost.embedded.layout import Layout
from roost.embedded.record import Record
from roost.embedded.supervise import Supervisor

if TYPE_CHECKING:
    from roost.bundle.progress import Progress
    from roost.kube.client import Client

Report = Callable[[str, float, str], None]
"""Told of each step: its name, seconds since the start, detail."""


@dataclass(frozen=True)
class Options:
    """What `roost up` was asked for. None: as chosen before, else the default."""

    layout: Layout
    kubernetes_version: str | None = None
    port_base: int | None = None
    address: str | None = None
    mirror: str | None = None
    programs: Path | None = None
    """A directory with the platform's programs, in place of a bundle's."""
    without: frozenset[str] = field(default_factory=frozenset[str])
    """Children that are not started."""
    webhooks: Callable[[str, int], list[dict[str, Any]]] | None = None
    """From the CA and the port to what makes the API server ask the webhook; the admission room's."""


def prepare(options: Options, progress: Progress) -> Record:
    """Everything before the first child starts; the caller holds the lock. May fetch programs for a minute."""
    layout = options.layout
    former = record.load(layout.record)
    files.check_space(layout.root)
    chosen = record.choose(
        former,
        kubernetes_version=options.kubernetes_version,
        port_base=options.port_base,
        address=options.address,
        newest="" if former or options.kubernetes_version else _newest(),
    )
    ports.check_free(chosen.ports, chosen.address)
    _provide_programs(options, chosen.kubernetes_version, progress)
    return chosen


def run(options: Options, *, report: Report, progress: Progress) -> None:
    """Holds the data directory, brings the platform up and keeps it until SIGTERM or SIGINT."""
    began = time.monotonic()

    def tell(step: str, detail: str = "") -> None:
        report(step, time.monotonic() - began, detail)

    layout = options.layout
    files.make_directories(layout.directories)
    # Looked at before the lock too, so that a newer directory is not even locked.
    record.load(layout.record)
    with lock.held(layout.lock):
        layout.ready.unlink(missing_ok=True)
        layout.served.unlink(missing_ok=True)
        survivors = asyncio.run(supervise.end_survivors(layout.run))
        if survivors:
            tell("survivors", ", ".join(survivors))
        chosen = prepare(options, progress)
        asyncio.run(_supervise(options, chosen, tell, began))


async def _supervise(options: Options, chosen: Record, tell: Callable[..., None], began: float) -> None:
    layout = options.layout
    supervisor = Supervisor(layout.process, on_restart=lambda name, end: tell("restart", f"{name} {end}"))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await _until(stop, _Start(options, chosen, supervisor, tell).run())
        if not stop.is_set():
            _write_ready(layout, chosen, time.monotonic() - began)
            tell("ready")
            _notify("READY=1")
            await _until(stop, _look_after(layout, chosen, supervisor, tell))
    finally:
        _notify("STOPPING=1")
        tell("stopping")
        layout.ready.unlink(missing_ok=True)
        await supervisor.stop_all(components.STOP_ORDER)
        tell("stopped")


class _Start:
    """One start of the children, in order."""

    def __init__(self, options: Options, chosen: Record, supervisor: Supervisor, tell: Callable[..., None]) -> None:
        self.options = options
        self.layout = options.layout
        self.record = chosen
        self.supervisor = supervisor
        self.tell = tell

    async def run(self) -> None:
        await self._etcd()
        await self._api()
        client, closing = self._clients()
        try:
            await self._fill(client)
        finally:
            await closing()

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
        record.save(self.layout.record, self.record)
        await self.supervisor.start(components.etcd(self.layout, self.record, self._program(components.ETCD)))

    async def _api(self) -> None:
        from roost.embedded import audit

        audit.ensure(self.layout)
        await self._wait_port(components.ETCD, self.record.ports.etcd, seconds=60)
        self.tell("etcd")
        await self.supervisor.start(components.api(self.layout, self.record, self._program(components.API)))
        if components.ADMISSION not in self.options.without:
            self._readiness(components.ADMISSION).unlink(missing_ok=True)
            await self.supervisor.start(components.own(self.layout, components.ADMISSION))
        # From here on the API server needs its time, and what follows is imported meanwhile; in a thread, so
        # that the loop notices a child's death.
        await asyncio.to_thread(__import__, "roost.embedded.bringup")
        await asyncio.to_thread(__import__, "roost.embedded.registry")
        from roost.embedded import registry

        for program in registry.programs(self.layout, self.record, self._program(components.REGISTRY)):
            await self.supervisor.start(program)

    def _clients(self) -> tuple[Client, Callable[[], Any]]:
        from roost.embedded import bringup

        client = bringup.administrator(self.layout)
        return client, client.close

    async def _fill(self, client: Client) -> None:
        from roost.embedded import bringup

        await self._encrypting()
        await self._wait_port(components.API, self.record.ports.api, seconds=120)
        await bringup.wait_api(client, seconds=120, check=self.supervisor.check)
        self.tell("api")
        await bringup.apply_kinds(client)
        files.write_private(self.layout.served, "")
        self.tell("kinds")
        await self.supervisor.start(
            components.controller_manager(self.layout, self.record, self._program(components.CONTROLLER_MANAGER))
        )
        impersonating = bringup.as_controllers(self.layout)
        try:
            await bringup.apply_global(impersonating, self.record)
        finally:
            await impersonating.close()
        if components.ADMISSION not in self.options.without:
            assert self.options.webhooks is not None
            await bringup.wait_file(
                self._readiness(components.ADMISSION),
                seconds=60,
                what="the webhook",
                check=self.supervisor.check,
            )
            await self._wait_port(components.ADMISSION, self.record.ports.webhook, seconds=10)
            ca_pem = self.layout.certificate("platform-ca").read_text()
            await bringup.apply_webhooks(client, self.options.webhooks(ca_pem, self.record.ports.webhook))
            self.tell("webhook")
        await self._wait_port(components.REGISTRY, self.record.ports.registry, seconds=30)
        if self.record.address:
            await self._wait_port(
                components.REGISTRY_TLS, self.record.ports.registry_tls, seconds=30, address=self.record.address
            )
        self.tell("registry")
        if components.CONTROLLERS not in self.options.without:
            await self.supervisor.start(components.own(self.layout, components.CONTROLLERS))
            self.tell("controllers")

    async def _encrypting(self) -> None:
        """A kind that came with this roost is encrypted from its first object on."""
        from roost.embedded import encryption

        if not encryption.is_current(self.layout):
            encryption.ensure(self.layout)
            await self.supervisor.replace(self.supervisor.children[components.API].program)

    def _program(self, name: str) -> Path:
        return self.layout.programs(self.record.kubernetes_version) / name

    def _readiness(self, name: str) -> Path:
        return self.layout.run / f"{name}.ready"

    async def _wait_port(self, name: str, port: int, *, seconds: float, address: str = ports.LOOPBACK) -> None:
        end = time.monotonic() + seconds
        while True:
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
                if probe.connect_ex((address, port)) == 0:
                    return
            self.supervisor.check()
            if time.monotonic() >= end:
                words = supervise.last_words(self.layout.log(name))
                raise PermanentFailure(
                    "NotReady", f"{name} does not listen on port {port} after {seconds:g} s; its last words: {words}"
                )
            await asyncio.sleep(0.02)


async def _until(stop: asyncio.Event, work: Any) -> None:
    """Runs the work, cut short when the person stops the platform."""
    task = asyncio.ensure_future(work)
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if task.done():
        task.result()
        return
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _look_after(layout: Layout, chosen: Record, supervisor: Supervisor, tell: Callable[..., None]) -> None:
    """While the platform runs: the registry has every bundle, logs don't fill the disk, certificates don't end."""
    from roost.embedded import registry

    async with asyncio.TaskGroup() as group:
        group.create_task(registry.keep_filled(layout, chosen, tell=tell))
        group.create_task(_keep_fresh(layout, chosen, supervisor))


async def _keep_fresh(layout: Layout, chosen: Record, supervisor: Supervisor) -> None:
    while True:
        for _ in range(12 * 60):
            await asyncio.sleep(60)
            for child in list(supervisor.children.values()):
                supervise.trim(child.program.log)
        from roost.embedded import pki
        from roost.kube.pki import utc_now

        for name in components.restart_after(pki.ensure(layout, chosen, now=utc_now())):
            if name in supervisor.children:
                await supervisor.replace(supervisor.children[name].program)


def _provide_programs(options: Options, version: str, progress: Progress) -> None:
    from roost.embedded import programs

    directory = options.layout.programs(version)
    if options.programs is not None:
        programs.use_directory(options.programs, directory)
        return
    if programs.installed(directory):
        return
    from roost.bundle.store import Store

    bundle = Store(options.layout.bundles).create(
        version, [programs.architecture()], mirror=options.mirror, parts=("platform",), progress=progress
    )
    programs.install(bundle, directory)


def _newest() -> str:
    from roost.bundle.versions import RELEASES

    return max(RELEASES, key=lambda version: [int(part) for part in version.split(".")])


def _write_ready(layout: Layout, chosen: Record, seconds: float) -> None:
    content = {"server": chosen.server, "pid": os.getpid(), "seconds": round(seconds, 2), "time": time.time()}
    files.write_private(layout.ready, json.dumps(content))


def _notify(state: str) -> None:
    """Tells systemd, where it started us (`roost up --service`)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, contextlib.suppress(OSError):
        sender.sendto(state.encode(), f"\0{address[1:]}" if address.startswith("@") else address)


def forget_programs(layout: Layout, *, keep: str) -> None:
    """Removes programs of versions that the platform no longer runs."""
    base = layout.programs(keep).parent
    for directory in base.iterdir() if base.is_dir() else ():
        if directory.name != keep:
            shutil.rmtree(directory, ignore_errors=True)
