"""The process `registry-front`: watches the objects of the external name and serves it. Called by main.

A renewed certificate is taken up with the next connection; a name that goes is no longer answered.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from typing import Any

from roost.api.errors import RoostError
from roost.bundle import external, pulling
from roost.embedded.front.server import Front
from roost.embedded.layout import Layout
from roost.embedded.ports import LOOPBACK
from roost.embedded.record import Record
from roost.kube.client import Client, connect
from roost.kube.pki import utc_now
from roost.kube.resources import SECRET, ResourceType
from roost.kube.watch import EventType, list_and_watch

KUBECONFIG = "registry-front"


def run(layout: Layout, record: Record) -> None:
    """Blocks until SIGTERM or SIGINT."""
    asyncio.run(_until_stopped(layout, record))


async def _until_stopped(layout: Layout, record: Record) -> None:
    work = asyncio.create_task(serve(layout, record))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        return


async def serve(layout: Layout, record: Record) -> None:
    key = pulling.load(layout.root)
    if record.address is None or key is None:
        raise RoostError(
            "RegistryNotServed", "the platform has no address that machines reach; start it with --address"
        )
    front = Front(upstream=(LOOPBACK, record.ports.registry), key=key, log=say)
    client = connect(layout.kubeconfig(KUBECONFIG), timeout=20)
    seen = Seen(front, frozenset({record.address}))
    server = await front.listen(record.address, record.ports.registry_external)
    try:
        async with server, asyncio.TaskGroup() as group:
            group.create_task(server.serve_forever())
            group.create_task(_follow(client, external.INGRESS, external.INGRESS_NAME, seen))
            group.create_task(_follow(client, SECRET, external.SECRET_NAME, seen))
    finally:
        await client.close()


class Seen:
    """The objects as they were last seen, and what they come to."""

    def __init__(self, front: Front, platform_hosts: frozenset[str]) -> None:
        self._front = front
        self._hosts = platform_hosts
        self._objects: dict[str, Mapping[str, Any] | None] = {}
        self._said = ""

    def take(self, kind: str, obj: Mapping[str, Any] | None) -> None:
        self._objects[kind] = obj
        if not {external.INGRESS.kind, SECRET.kind} <= set(self._objects):
            return
        found = external.judge(
            self._objects[external.INGRESS.kind],
            self._objects[SECRET.kind],
            platform_hosts=self._hosts,
            now=utc_now(),
        )
        served = found.served if found else None
        self._front.serve(served)
        text = found.message if found else "no external name is asked for"
        if text != self._said:
            self._said = text
            say(text)


async def _follow(client: Client, resource: ResourceType, name: str, seen: Seen) -> None:
    """Tells of one object, at first and at every change."""
    current: Mapping[str, Any] | None = None
    synced = False
    async for kind, obj in list_and_watch(
        client,
        resource,
        namespace=external.NAMESPACE,
        field_selector=f"metadata.name={name}",
        on_problem=lambda problem: say(problem.message),
    ):
        if kind is EventType.SYNCED:
            synced = True
        else:
            current = None if kind is EventType.DELETED else obj
        if synced:
            seen.take(resource.kind, current)


def say(text: str) -> None:
    sys.stderr.write(f"{utc_now():%Y-%m-%dT%H:%M:%SZ} {text}\n")
    sys.stderr.flush()
