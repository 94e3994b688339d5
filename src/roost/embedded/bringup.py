"""What is put into the API after it answers: CRDs, namespace and access, webhook configuration, `global`.

Called by sequence, which imports this module beside the starting API server, or after «ready»: it pulls in
the client.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from roost.api.crds import crd_manifests
from roost.api.names import CONTROLLERS_USER, GLOBAL_CLUSTER, SYSTEM_NAMESPACE
from roost.api.registry import KINDS
from roost.embedded import objects
from roost.embedded.layout import Layout
from roost.embedded.record import Record
from roost.kube.apply import apply_one, apply_status, server_side_apply
from roost.kube.client import Client
from roost.kube.kubeconfig import parse
from roost.kube.pki import utc_now
from roost.kube.resources import ROOST

MASTERS: Final = "system:masters"


@asynccontextmanager
async def administrator(layout: Layout, *, name: str | None = None) -> AsyncGenerator[Client]:
    """The administrator's client, under another name where one is given."""
    access = parse(layout.admin_kubeconfig)
    client = Client(replace(access, impersonate=(name, (MASTERS,))) if name else access, timeout=10.0)
    try:
        yield client
    finally:
        await client.close()


async def apply_kinds(layout: Layout) -> None:
    """roost's CRDs, Established, then the platform's own objects."""
    async with administrator(layout) as client:
        await server_side_apply(client, [*crd_manifests(), *objects.manifests()], field_manager=objects.FIELD_MANAGER)


async def apply_webhooks(layout: Layout, manifests: list[dict[str, Any]]) -> None:
    async with administrator(layout) as client:
        await server_side_apply(client, manifests, field_manager=objects.FIELD_MANAGER)


async def apply_global(layout: Layout, record: Record) -> None:
    """The Cluster `global` with its version, endpoint and Available.

    Under the controllers' name: `global` is theirs, and the webhook refuses it to everybody else.
    """
    async with administrator(layout, name=CONTROLLERS_USER) as client:
        current: Mapping[str, Any] = await apply_one(
            client, objects.global_cluster(), field_manager=objects.FIELD_MANAGER
        )
        status = objects.global_status(
            current, version=record.kubernetes_version, server=record.server, now=utc_now()
        )
        await apply_status(
            client,
            ROOST["Cluster"],
            name=GLOBAL_CLUSTER,
            namespace=SYSTEM_NAMESPACE,
            status=status,
            field_manager=objects.FIELD_MANAGER,
        )


def plurals() -> tuple[str, ...]:
    return tuple(kind.plural for kind in KINDS)
