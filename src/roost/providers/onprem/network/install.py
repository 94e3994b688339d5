"""Installs the network plugin through the cluster's API, when what is there is not what the bundle has.

Called by the provider as soon as the API answers, while machines still join.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final, cast

from roost.api.names import FIELD_MANAGER, GROUP
from roost.kube.apply import server_side_apply
from roost.kube.client import Client, Json
from roost.kube.errors import answered, explained
from roost.kube.resources import CONFIG_MAP, ResourceType
from roost.providers.onprem import layout
from roost.providers.onprem.context import Context
from roost.providers.onprem.network import flannel

DIGEST_ANNOTATION: Final = f"{GROUP}/manifest-digest"
"""On the plugin's DaemonSet: of the manifest that roost applied, so that a second run writes nothing."""
_DAEMON_SET: Final = ResourceType("apps", "v1", "DaemonSet", "daemonsets", namespaced=True)


def wanted(ctx: Context) -> tuple[list[flannel.Document], str]:
    """The objects, the DaemonSet marked with the digest of all of them."""
    wanted = layout.on_premises(ctx.spec)
    api = (wanted.control_plane_endpoint.host, wanted.control_plane_endpoint.port)
    objects = flannel.objects(ctx.bundle.manifest("flannel"), pod_cidr=wanted.network.pod_cidr, api=api)
    digest = hashlib.sha256(json.dumps(objects, sort_keys=True).encode()).hexdigest()
    for item in objects:
        if item["kind"] == "DaemonSet":
            item["metadata"].setdefault("annotations", {})[DIGEST_ANNOTATION] = digest
    return objects, digest


async def is_installed(client: Client, digest: str) -> bool:
    try:
        found = await client.call("GET", _DAEMON_SET.path(namespace=flannel.NAMESPACE, name=flannel.DAEMON_SET))
        await client.call("GET", CONFIG_MAP.path(namespace=flannel.NAMESPACE, name=flannel.CONFIG_MAP))
    except Exception as error:
        if answered(error) == 404:
            return False
        raise
    annotations = cast("Json", cast("Json", found["metadata"]).get("annotations") or {})
    return annotations.get(DIGEST_ANNOTATION) == digest


async def install(ctx: Context, client: Client) -> None:
    """Raises RetryLater or PermanentFailure naming the object that could not be applied."""
    objects, digest = wanted(ctx)
    with explained(client.server, doing="look at the network plugin"):
        if await is_installed(client, digest):
            return
    await server_side_apply(client, objects, field_manager=FIELD_MANAGER)
    ctx.report.event(None, "NetworkInstalled", f"flannel {ctx.bundle.components.get('flannel', '')} was applied")
