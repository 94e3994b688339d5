"""Empties a node before it leaves: cordon, then evict, so that PodDisruptionBudgets are respected.

Called by the provider's remove. Every wait has an end; the error then names the Pods that stay and why.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final, cast

from roost.api.errors import RetryLater
from roost.kube.client import MERGE, Client, Json
from roost.kube.errors import answered
from roost.kube.resources import NODE, POD
from roost.providers.onprem.nodes import read

SECONDS: Final = 120.0
"""Of one attempt; the work is tried again later for as long as the Machine is to go."""
INTERVAL: Final = 1.0


def has_to_go(pod: Mapping[str, Any]) -> bool:
    """Static Pods and those of DaemonSets stay: they go with the node."""
    metadata = cast("Json", pod["metadata"])
    if "kubernetes.io/config.mirror" in cast("Json", metadata.get("annotations") or {}):
        return False
    owners = cast("list[Json]", metadata.get("ownerReferences") or [])
    return not any(owner.get("kind") == "DaemonSet" and owner.get("controller") for owner in owners)


async def cordon(client: Client, node: str) -> None:
    await client.call("PATCH", NODE.path(name=node), body={"spec": {"unschedulable": True}}, content_type=MERGE)


async def drain(client: Client, node: str, *, seconds: float = SECONDS) -> None:
    """Raises RetryLater DrainBlocked with the Pods that are still there.

    Where the node stops reporting meanwhile there is nothing to wait for: nobody is left to end its Pods.
    """
    await cordon(client, node)
    end = time.monotonic() + seconds
    refused: dict[str, str] = {}
    while True:
        answer = await client.call("GET", POD.path(), query={"fieldSelector": f"spec.nodeName={node}"})
        pods = [pod for pod in cast("list[Json]", answer.get("items") or []) if has_to_go(pod)]
        if not pods:
            return
        refused = {}
        for pod in pods:
            metadata = cast("Json", pod["metadata"])
            if metadata.get("deletionTimestamp"):
                refused[_title(pod)] = "it is still ending"
                continue
            refusal = await _evict(client, metadata)
            if refusal is not None:
                refused[_title(pod)] = refusal
        if time.monotonic() >= end:
            raise RetryLater("DrainBlocked", _blocked(node, seconds, refused))
        await asyncio.sleep(INTERVAL)
        if not read(await client.call("GET", NODE.path(name=node))).ready:
            return


async def _evict(client: Client, metadata: Json) -> str | None:
    name, namespace = str(metadata["name"]), str(metadata["namespace"])
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
        "deleteOptions": {"preconditions": {"uid": metadata["uid"]}},
    }
    try:
        await client.call("POST", POD.path(namespace=namespace, name=name, subresource="eviction"), body=body)
    except Exception as error:
        if answered(error) in (404, 409):
            return None
        if answered(error) == 429:
            return f"a PodDisruptionBudget does not allow it now ({error})"
        raise
    return "it is still ending"


def _title(pod: Json) -> str:
    metadata = cast("Json", pod["metadata"])
    return f"{metadata['namespace']}/{metadata['name']}"


def _blocked(node: str, seconds: float, refused: Mapping[str, str]) -> str:
    shown = "; ".join(f"{name}: {why}" for name, why in list(refused.items())[:5])
    more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
    return (
        f"node {node} is not empty after {seconds:.0f} s: {shown}{more}. roost tries again; "
        "raise the replicas of what the PodDisruptionBudget covers, or change it"
    )
