"""What is put into the API after it answers, in the order that the architecture fixes.

CRDs Established, namespace and access, the webhook answering, its configuration, the Cluster `global`.
Called by start, which imports this module while the API server is still starting: it pulls in the client.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from roost.api.crds import crd_manifests
from roost.api.errors import RetryLater, RoostError
from roost.api.names import CONTROLLERS_USER, GLOBAL_CLUSTER, SYSTEM_NAMESPACE
from roost.embedded import objects
from roost.embedded.layout import Layout
from roost.embedded.record import Record
from roost.kube.apply import apply_one, apply_status, server_side_apply
from roost.kube.client import Client
from roost.kube.errors import explain
from roost.kube.kubeconfig import parse
from roost.kube.pki import utc_now
from roost.kube.resources import ROOST

Webhooks = Callable[[str, int], list[dict[str, Any]]]
"""CA and port to what makes the API server ask the webhook; given by the room that has it."""
MASTERS = "system:masters"


def administrator(layout: Layout) -> Client:
    return Client(parse(layout.admin_kubeconfig), timeout=10.0)


def as_controllers(layout: Layout) -> Client:
    """The administrator under the controllers' name: `global` is theirs, and the webhook refuses it to others."""
    access = parse(layout.admin_kubeconfig)
    return Client(replace(access, impersonate=(CONTROLLERS_USER, (MASTERS,))), timeout=10.0)


async def wait_api(client: Client, *, seconds: float, check: Callable[[], None]) -> None:
    """Until /readyz says ok; `check` raises when waiting is vain."""
    end = time.monotonic() + seconds
    last: RoostError | None = None
    while time.monotonic() < end:
        try:
            await client.text("/readyz")
            return
        except Exception as error:
            last = explain(error, server=client.server)
        check()
        await asyncio.sleep(0.05)
    raise RetryLater(
        "ApiNotReady", f"{client.server} is not ready after {seconds:g} s: {last.message if last else 'no answer'}"
    )


async def wait_file(path: Path, *, seconds: float, what: str, check: Callable[[], None]) -> None:
    """Until a child has written its file of readiness."""
    end = time.monotonic() + seconds
    while not path.exists():
        check()
        if time.monotonic() >= end:
            raise RetryLater("NotReady", f"{what} is not ready after {seconds:g} s (it would write {path})")
        await asyncio.sleep(0.02)


async def apply_kinds(client: Client) -> None:
    """roost's CRDs, Established, then the platform's own objects."""
    await server_side_apply(client, [*crd_manifests(), *objects.manifests()], field_manager=objects.FIELD_MANAGER)


async def apply_webhooks(client: Client, configuration: list[dict[str, Any]]) -> None:
    await server_side_apply(client, configuration, field_manager=objects.FIELD_MANAGER)


async def apply_global(client: Client, record: Record) -> None:
    """The Cluster `global` with its version, endpoint and Available."""
    current: Mapping[str, Any] = await apply_one(
        client, objects.global_cluster(), field_manager=objects.FIELD_MANAGER
    )
    status = objects.global_status(current, version=record.kubernetes_version, server=record.server, now=utc_now())
    await apply_status(
        client,
        ROOST["Cluster"],
        name=GLOBAL_CLUSTER,
        namespace=SYSTEM_NAMESPACE,
        status=status,
        field_manager=objects.FIELD_MANAGER,
    )
