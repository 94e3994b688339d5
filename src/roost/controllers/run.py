"""The controllers' process: `python -m roost.main controllers` calls `run`, which blocks until SIGTERM.

One process acts for a data directory (a file lock), one for a platform (a Lease). When it ends, its tasks
are cancelled, what they said is written, and acts on machines go on; the next one joins them.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import resource
import signal
import socket
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from roost.api.names import SYSTEM_NAMESPACE
from roost.bundle import pulling
from roost.bundle.store import Store
from roost.controllers.providing import Provider
from roost.controllers.registered import Attached
from roost.controllers.runtime.clock import utc_now
from roost.controllers.runtime.leader import Leader
from roost.controllers.runtime.log import configure, logger
from roost.controllers.runtime.platform import PlatformApi
from roost.controllers.wiring import Controllers
from roost.kube.client import connect
from roost.providers.onprem import provider as onprem
from roost.providers.onprem.context import RegistrySource
from roost.ssh.asyncssh_connector import connect as connect_ssh
from roost.ssh.counting import Exchange, reporting
from roost.ssh.pool import Pool

LEASE: Final = "roost-controllers"
MEMORY_EVERY: Final = 600.0
PLATFORM_TIMEOUT: Final = 20.0


def run(
    *,
    kubeconfig: Path,
    data_dir: Path,
    registry: RegistrySource | None,
    pushed: Path | None = None,
    attached: Attached | None = None,
    metrics_port: int | None = None,
) -> None:
    """Blocks until SIGTERM or SIGINT. `pushed`: which bundles the registry holds (version → digest, JSON).
    `attached`: the way to clusters through the gateway. `metrics_port`: on loopback; None serves no metrics."""
    configure(debug=bool(os.environ.get("ROOST_DEBUG")))
    pushed = pushed or data_dir / "registry" / "pushed.json"
    asyncio.run(_until_stopped(kubeconfig, data_dir, registry, pushed, attached, metrics_port))


async def _until_stopped(
    kubeconfig: Path,
    data_dir: Path,
    registry: RegistrySource | None,
    pushed: Path,
    attached: Attached | None,
    metrics_port: int | None,
) -> None:
    log = logger()
    loop = asyncio.get_running_loop()
    pool = Pool(reporting(connect_ssh, log_exchange))
    work = asyncio.create_task(
        serve(
            kubeconfig=kubeconfig,
            data_dir=data_dir,
            registry=registry,
            pushed=pushed,
            provider=onprem,
            pool=pool,
            attached=attached,
            metrics_port=metrics_port,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        log.info("stopped", **memory())
    finally:
        await pool.close()


async def serve(
    *,
    kubeconfig: Path,
    data_dir: Path,
    registry: RegistrySource | None,
    pushed: Path,
    provider: Provider,
    pool: Pool,
    attached: Attached | None = None,
    metrics_port: int | None = None,
) -> None:
    """Waits for its turn, then runs the controllers until cancelled. Tests give a provider of their own."""
    client = connect(kubeconfig, timeout=PLATFORM_TIMEOUT)
    api = PlatformApi(client)
    ready = data_dir / "run" / "controllers.ready"
    # Stays when they end, unlike `ready`: the next start need not wait for a look at the same bundles.
    looked = data_dir / "run" / "controllers.looked"
    ready.parent.mkdir(parents=True, exist_ok=True)

    running: list[Controllers] = []
    tasks: list[asyncio.Task[None]] = []

    def begun() -> None:
        looked.touch()
        ready.touch()
        if metrics_port is not None and not tasks:
            tasks.append(asyncio.create_task(_serve_metrics(metrics_port, api, client.server, running)))

    def controllers() -> Controllers:
        made = Controllers(
            api,
            provider=provider,
            connect=pool,
            disconnect=pool.drop,
            registry=registry,
            pull_key=pulling.load(data_dir),
            store=Store(data_dir / "bundles"),
            pushed=pushed,
            endpoint=client.server,
            ready=begun,
            attached=attached,
        )
        running[:] = [made]
        return made

    reporter = asyncio.create_task(_report_memory())
    try:
        lock = data_dir / "run" / "controllers.lock"
        while True:
            with _held(lock) as held:
                if held:
                    leader = Leader(
                        api, namespace=SYSTEM_NAMESPACE, name=LEASE, identity=identity(data_dir), now=utc_now
                    )
                    ready.unlink(missing_ok=True)
                    try:
                        await leader.run(lambda: controllers().run())
                    finally:
                        ready.unlink(missing_ok=True)
                    return
            logger().warning("another process of controllers works on this data directory; waiting", lock=str(lock))
            await asyncio.sleep(1)
    finally:
        for task in (reporter, *tasks):
            task.cancel()
        await client.close()


async def _serve_metrics(port: int, api: PlatformApi, server: str, running: list[Controllers]) -> None:
    """Until cancelled. What it needs is imported in a thread, once the controllers work."""
    await asyncio.to_thread(__import__, "roost.controllers.metrics")
    from roost.controllers import metrics

    sources = metrics.Sources(
        queues=lambda: [queue for one in running for queue in one.queues],
        answers=lambda: api.answers,
        host=server.removeprefix("https://"),
        leading=lambda: bool(running),
        phases=lambda: running[0].phases() if running else Counter[tuple[str, str]](),
    )
    try:
        stop = metrics.serve(sources, port)
    except OSError as error:
        logger().warning("no metrics", port=port, cause=str(error))
        return
    try:
        await asyncio.Event().wait()
    finally:
        stop()


def log_exchange(exchange: Exchange) -> None:
    """roost's own record of what it sent to which machine. `bench/` and people add it up."""
    logger().info("exchange", **asdict(exchange))


def identity(data_dir: Path) -> str:
    """Stable for a data directory, so that a restart takes up its own Lease at once."""
    mark = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:8]
    return f"{socket.gethostname()}_{mark}"


def memory() -> dict[str, float]:
    """Resident memory now and at its peak, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"resident_mib": round(pages * resource.getpagesize() / 2**20, 1), "peak_mib": round(peak, 1)}


async def _report_memory() -> None:
    while True:
        await asyncio.sleep(MEMORY_EVERY)
        logger().info("memory", **memory())


@contextmanager
def _held(path: Path) -> Generator[bool]:
    """Holds the lock file if nobody else does; the kernel lets go of it with the process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
