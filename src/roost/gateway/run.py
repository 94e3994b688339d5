"""The gateway's process: puts everything together, listens, and stays until it is told to stop. Called by main."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from roost.api.masked import Masked
from roost.gateway import passwords, static
from roost.gateway.audit import AuditLog
from roost.gateway.authenticate import Authenticator
from roost.gateway.authorise import Authoriser
from roost.gateway.clusters import Clusters
from roost.gateway.dispatch import Dispatch
from roost.gateway.endpoints import app
from roost.gateway.endpoints.services import FIRST_USER, Services
from roost.gateway.front import Front
from roost.gateway.projects import ProjectRights
from roost.gateway.records import User
from roost.gateway.recovery import ADMINISTRATORS
from roost.gateway.refusal import Refusal
from roost.gateway.registration.registrar import Authority
from roost.gateway.registration.tunnels import Tunnels
from roost.gateway.serving import Renew, Serving, address_of
from roost.gateway.store import Store
from roost.gateway.telling import Telling
from roost.kube.direct import Address, Direct, not_here, reachable
from roost.kube.kubeconfig import parse
from roost.kube.lean import Lean

TIDY_SECONDS: Final = 600.0

_LOG: Final = logging.getLogger("roost.gateway")


@dataclass(frozen=True)
class Settings:
    """Where everything lies."""

    kubeconfig: Path
    certificate: Path
    key: Path
    ca: Path
    audit: Path
    """Directory of the audit log, and of those of all gateways on this machine."""
    hosts: tuple[str, ...]
    """Addresses of this machine to listen on."""
    port: int
    ready: Path
    """Exists while requests are answered."""
    own_token: Path
    """Token of the platform's own processes."""
    first_password: Path
    """Of the first administrator."""
    audit_own: str = ""
    """Name below `audit` for this process's own log, where it is not the first."""
    hops: str | None = None
    """Address on which the platform's other gateways are listened to; None: there is no other one."""
    tunnel_authority: Authority | None = None
    """Signs the certificates of agents; None: no tunnels are taken."""
    renew: Renew | None = None
    """Issues the certificate for further names."""
    allowed: Callable[[Address], bool] = not_here
    """Where clusters may be."""
    console: Path = static.DIRECTORY


def serve(settings: Settings) -> None:
    """Blocks until SIGTERM or SIGINT."""
    _raise_limit_of_connections()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(_until_told(settings))


def _raise_limit_of_connections() -> None:
    """Each tunnel and each client is an open file; shells give 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _until_told(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gateway = Gateway(settings)
    await gateway.start()
    waiting = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({waiting, *gateway.tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        await gateway.stop()


class Gateway:
    """One gateway, as the process runs it and as tests do."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.platform = Direct(parse(settings.kubeconfig), allowed=reachable)
        api = Lean(self.platform)
        self.store = Store(api)
        self.serving = Serving(
            api, certificate=settings.certificate, key=settings.key, ca=settings.ca, renew=settings.renew
        )
        self.tunnels: Tunnels | None = None
        if settings.tunnel_authority is not None:
            self.tunnels = Tunnels(api, settings.tunnel_authority, hops=settings.hops, doors=self._own_addresses)
        self.projects = ProjectRights(api)
        self.clusters = Clusters(api, self.tunnels, allowed=settings.allowed)
        self.log = AuditLog(settings.audit / settings.audit_own)
        self.services = Services(
            store=self.store,
            authenticator=Authenticator(self.store, settings.own_token),
            authoriser=Authoriser(api),
            clusters=self.clusters,
            platform=self.platform,
            platform_api=api,
            first_password=settings.first_password,
            audit=settings.audit,
            serving=self.serving,
            ca=self.serving.ca,
            addresses=self._addresses,
            projects=self.projects.of,
        )
        self.dispatch = Dispatch(
            authenticator=self.services.authenticator,
            authoriser=self.services.authoriser,
            clusters=self.clusters,
            store=self.store,
            platform=self.platform,
            log=self.log,
            files=static.Files(settings.console),
            own=app.build(self.services),
            tunnel=self.tunnels.door if self.tunnels is not None else None,
        )
        self.front = Front(self.dispatch.handle, self.serving.tls)
        self.port = settings.port
        self.tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        for host in self.settings.hosts:
            self.port = await self.front.listen(host, self.port)
        if self.tunnels is not None:
            await self.tunnels.start()
        endless = (
            self.store.run(),
            self.clusters.run(),
            self.projects.run(),
            self.serving.run(),
            Telling(self.services.platform_api, self._addresses).run(),
            self.dispatch.recheck(),
            self._tidy(),
        )
        self.tasks = {asyncio.create_task(one) for one in endless}
        if self.tunnels is not None:
            self.tasks.add(asyncio.create_task(self.tunnels.run()))
        self._first = asyncio.create_task(self._first_user())
        for task in (*self.tasks, self._first):
            task.add_done_callback(_told)
        self.settings.ready.touch(mode=0o600)
        self.settings.ready.write_text(str(os.getpid()))

    async def stop(self) -> None:
        self.settings.ready.unlink(missing_ok=True)
        for task in (*self.tasks, self._first):
            task.cancel()
        await self.front.close()
        if self.tunnels is not None:
            await self.tunnels.close()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.platform.close()
        self.log.close()

    def _addresses(self) -> tuple[str, ...]:
        """Added ones first, then the address that others reach, loopback last; behind them the other gateways'."""
        added = [one if one != address_of(one) else f"{one}:{self.port}" for one in self.serving.added]
        members = self.tunnels.members if self.tunnels is not None else None
        others = members.doors() if members is not None else ()
        return tuple(dict.fromkeys([*added, *self._own_addresses(), *others]))

    def _own_addresses(self) -> tuple[str, ...]:
        named = [f"[{host}]" if ":" in host else host for host in reversed(self.settings.hosts)]
        return tuple(f"{host}:{self.port}" for host in named)

    async def _tidy(self) -> None:
        await self.store.synced.wait()
        while True:
            try:
                await self.store.tidy(now=time.time())
            except Exception as error:
                _LOG.warning("expired sessions not deleted: %s", error)
            await asyncio.sleep(TIDY_SECONDS)

    async def _first_user(self) -> None:
        """Where nobody can sign in yet: an administrator, whose password lies in a file for the owner alone."""
        await self.store.synced.wait()
        if self.store.all(User):
            return
        path = self.settings.first_password
        try:
            password = Masked(path.read_text().strip())
        except FileNotFoundError:
            password = passwords.generate()
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(password.reveal() + "\n")
        hashed = await self.services.passwords.hashed(password)
        user = User(
            FIRST_USER, display_name="Administrator", groups=(ADMINISTRATORS,), password=hashed, created=time.time()
        )
        with contextlib.suppress(Refusal):
            # Another replica made it at the same time.
            await self.store.create(user)


def _told(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _LOG.error("a part of the gateway ended", exc_info=task.exception())
