"""`roost up`: from a data directory to a ready platform, and the watch over it until it is told to stop.

The order of a start is sequence's. Called by cli/up. Imports little, since the children start while the rest
is still being imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from roost.api.errors import RoostError
from roost.embedded import components, files, lock, ports, record, supervise
from roost.embedded.layout import Layout
from roost.embedded.record import Record
from roost.embedded.sequence import Options, Sequence
from roost.embedded.supervise import Supervisor

if TYPE_CHECKING:
    from roost.bundle.progress import Progress

Report = Callable[[str, float, str], None]
"""Told of each step: its name, seconds since the start, detail."""


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
        gateways=options.gateways,
        newest="" if former or options.kubernetes_version else _newest(),
    )
    ports.check_free(chosen.ports, chosen.address, gateways=chosen.gateways)
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
        sequence = Sequence(options, chosen, supervisor, tell)
        await _until(stop, sequence.run())
        if not stop.is_set():
            _write_ready(layout, chosen, time.monotonic() - began)
            tell("ready")
            _notify("READY=1")
            await _until(stop, _look_after(sequence, tell))
    finally:
        _notify("STOPPING=1")
        tell("stopping")
        layout.ready.unlink(missing_ok=True)
        await supervisor.stop_all(components.STOP_ORDER)
        tell("stopped")


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


async def _look_after(sequence: Sequence, tell: Callable[..., None]) -> None:
    """While the platform runs: the API keeps what is roost's, the registry has every bundle, logs don't fill the
    disk, certificates don't end. None of these may end the platform."""
    from roost.embedded import registry

    layout, chosen = sequence.options.layout, sequence.record

    def told(step: str, detail: str) -> None:
        tell(step, detail)

    async with asyncio.TaskGroup() as group:
        if sequence.settled:
            group.create_task(_repeated(sequence.fill, tell, every=None))
        group.create_task(_repeated(lambda: registry.fill(layout, chosen, tell=told), tell, every=registry.INTERVAL))
        if chosen.address:
            asked = registry.ExternalName(layout, chosen, sequence.supervisor)
            group.create_task(_repeated(asked.look, tell, every=registry.EXTERNAL_INTERVAL))
        group.create_task(_repeated(lambda: _trim(sequence.supervisor), tell, every=60))
        group.create_task(_repeated(lambda: _renew(sequence), tell, every=12 * 3600))


async def _repeated(
    work: Callable[[], Coroutine[Any, Any, None]], tell: Callable[..., None], *, every: float | None
) -> None:
    """Again and again, or, without `every`, until it succeeds once; failures are told and tried again later."""
    failures = 0
    while True:
        try:
            await work()
            if every is None:
                return
            failures = 0
        except Exception as error:
            failures += 1
            tell("problem", error.message if isinstance(error, RoostError) else f"{type(error).__name__}: {error}")
        await asyncio.sleep(max(every or 0.0, min(60.0, 2.0**failures) if failures else 0.0))


async def _trim(supervisor: Supervisor) -> None:
    for child in list(supervisor.children.values()):
        supervise.trim(child.program.log)


async def _renew(sequence: Sequence) -> None:
    from roost.embedded import pki
    from roost.kube.pki import utc_now

    for name in components.restart_after(pki.ensure(sequence.options.layout, sequence.record, now=utc_now())):
        if name in sequence.supervisor.children:
            await sequence.supervisor.replace(sequence.supervisor.children[name].program)


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
