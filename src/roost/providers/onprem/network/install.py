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
from roost.providers.onprem.context import Context
from roost.providers.onprem.network import plugins
from roost.providers.onprem.network.patching import Document
from roost.providers.onprem.network.plugins import Plugin

DIGEST_ANNOTATION: Final = f"{GROUP}/manifest-digest"
"""On the plugin's DaemonSet: of the manifest that roost applied, so that a second run writes nothing."""
_DAEMON_SET: Final = ResourceType("apps", "v1", "DaemonSet", "daemonsets", namespaced=True)


def wanted(ctx: Context, plugin: Plugin) -> tuple[list[Document], str]:
    """The objects, the plugin's DaemonSet marked with the digest of all of them."""
    objects = plugin.objects(ctx)
    digest = hashlib.sha256(json.dumps(objects, sort_keys=True).encode()).hexdigest()
    for item in objects:
        if item["kind"] == "DaemonSet" and item["metadata"]["name"] == plugin.daemon_set:
            item["metadata"].setdefault("annotations", {})[DIGEST_ANNOTATION] = digest
    return objects, digest


async def is_installed(client: Client, plugin: Plugin, digest: str) -> bool:
    try:
        found = await client.call("GET", _DAEMON_SET.path(namespace=plugin.namespace, name=plugin.daemon_set))
        if plugin.config is not None:
            namespace, name = plugin.config
            await client.call("GET", CONFIG_MAP.path(namespace=namespace, name=name))
    except Exception as error:
        if answered(error) == 404:
            return False
        raise
    annotations = cast("Json", cast("Json", found["metadata"]).get("annotations") or {})
    return annotations.get(DIGEST_ANNOTATION) == digest


async def install(ctx: Context, client: Client) -> None:
    """Does nothing for Custom. Raises RetryLater or PermanentFailure naming the object that could not be applied."""
    plugin = plugins.of(ctx)
    if plugin is None:
        return
    objects, digest = wanted(ctx, plugin)
    with explained(client.server, doing="look at the network plugin"):
        if await is_installed(client, plugin, digest):
            return
    await server_side_apply(client, objects, field_manager=FIELD_MANAGER)
    version = ctx.bundle.components.get(plugin.name, "")
    ctx.report.event(None, "NetworkInstalled", f"{plugin.name} {version} was applied")
