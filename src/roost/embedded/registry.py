"""The image registry's two processes, and keeping it filled with the bundles that are present.

Called by start. Machines are pointed at the registry only for bundles that `pushed` names.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from roost.api.masked import Masked
from roost.bundle import pulling
from roost.bundle import registry as distribution
from roost.embedded import components
from roost.embedded.files import write_private
from roost.embedded.layout import Layout
from roost.embedded.ports import LOOPBACK
from roost.embedded.probe import Probe
from roost.embedded.record import Record
from roost.embedded.supervise import Program, Supervisor

if TYPE_CHECKING:
    from roost.providers.onprem.context import RegistrySource

INTERVAL = 2.0
"""Seconds between looks at the bundles; a bundle made while the platform runs is pushed by itself."""
EXTERNAL_INTERVAL = 10.0
"""Seconds until a name that somebody gives to the registry is served."""


def source(layout: Layout, record: Record) -> RegistrySource | None:
    """Where machines fetch images and programs; None where the platform listens on loopback only."""
    # It pulls in every model, which a starting supervisor has no use for.
    from roost.providers.onprem.context import RegistrySource

    address = record.registry_address
    return RegistrySource(address=address, ca_pem=layout.machines_ca.read_text()) if address else None


def programs(layout: Layout, record: Record, executable: Path) -> tuple[Program, ...]:
    """Writes the configurations; gives the writable process and, with an address, the one for machines."""
    # Used for uploads that go on over several requests, which a restart may end.
    secret = Masked(secrets.token_hex(16))
    storage = layout.registry
    config = layout.registry_config(components.REGISTRY)
    write_private(config, distribution.writable(storage=storage, port=record.ports.registry, secret=secret))
    found = [components.registry(layout, executable, name=components.REGISTRY, config=config)]
    if record.registry_address:
        if pulling.load(layout.root) is None:
            write_private(pulling.path(layout.root), pulling.create_key().reveal())
        config = layout.registry_config(components.REGISTRY_TLS)
        text = distribution.readonly(
            storage=storage,
            address=record.registry_address,
            certificate=layout.certificate("registry"),
            key=layout.key("registry"),
            secret=secret,
        )
        write_private(config, text)
        found.append(components.registry(layout, executable, name=components.REGISTRY_TLS, config=config))
    return tuple(found)


class ExternalName:
    """Starts the process that serves the registry's external name when there is one, and ends it when it goes.

    One question every ten seconds; most platforms have none, and then nothing is imported and nothing listens.
    """

    PATH: Final = "/apis/networking.k8s.io/v1/namespaces/kube-system/ingresses/registry-address"

    def __init__(self, layout: Layout, record: Record, supervisor: Supervisor) -> None:
        self._layout = layout
        self._supervisor = supervisor
        self._api = Probe(layout, record)

    async def look(self) -> None:
        try:
            status, _ = await self._api.get(self.PATH)
        except (OSError, http.client.HTTPException):
            return  # The API is being started anew; the next look tells.
        name = components.REGISTRY_FRONT
        if status == 200 and name not in self._supervisor.children:
            await self._supervisor.start(components.own(self._layout, name))
        elif status == 404 and name in self._supervisor.children:
            await self._supervisor.stop(name)


def pushed(layout: Layout) -> dict[str, str]:
    """Version to digest of the bundles that the registry holds in full."""
    try:
        return json.loads(layout.pushed.read_bytes())
    except (OSError, ValueError):
        return {}


async def fill(layout: Layout, record: Record, *, tell: Callable[[str, str], None]) -> None:
    """Puts each bundle that is new or changed into the registry; only where machines can reach it."""
    if not record.registry_address:
        return
    from roost.bundle.push import push
    from roost.bundle.store import Store

    url = f"http://{LOOPBACK}:{record.ports.registry}"
    for bundle in await asyncio.to_thread(Store(layout.bundles).list):
        if pushed(layout).get(bundle.version) != bundle.digest:
            await push(bundle, url)
            write_private(layout.pushed, json.dumps({**pushed(layout), bundle.version: bundle.digest}))
            tell("pushed", bundle.version)
