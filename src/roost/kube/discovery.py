"""Finds how an API serves a kind that roost doesn't know beforehand. Answers are kept with the client.

Called by kube/apply and kube/wait with the apiVersion and kind of an object.
"""

from __future__ import annotations

from typing import cast

from roost.api.errors import RetryLater
from roost.kube.client import Client, Json
from roost.kube.errors import is_not_found
from roost.kube.resources import BUILT_IN, ResourceType


async def find(client: Client, api_version: str, kind: str) -> ResourceType:
    """How the server serves a kind. Raises RetryLater KindUnknown: a CRD may still come."""
    known = BUILT_IN.get((api_version, kind))
    if known is not None:
        return known
    found = lookup(client.discovered.get(api_version), api_version, kind)
    if found is None:
        # Kept answers are asked again for an unknown kind: a CRD may have been added since.
        client.discovered[api_version] = await _ask(client, api_version, kind)
        found = lookup(client.discovered[api_version], api_version, kind)
    if found is None:
        raise _unknown(client, api_version, kind)
    return found


def lookup(answer: Json | None, api_version: str, kind: str) -> ResourceType | None:
    """The kind in one APIResourceList."""
    for resource in cast("list[Json]", (answer or {}).get("resources") or []):
        if resource.get("kind") == kind and "/" not in str(resource.get("name", "/")):
            group, _, version = api_version.rpartition("/")
            return ResourceType(group, version, kind, str(resource["name"]), bool(resource.get("namespaced")))
    return None


async def _ask(client: Client, api_version: str, kind: str) -> Json:
    try:
        return await client.call("GET", f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}")
    except Exception as error:
        if is_not_found(error):
            raise _unknown(client, api_version, kind) from error
        raise


def _unknown(client: Client, api_version: str, kind: str) -> RetryLater:
    return RetryLater(
        "KindUnknown",
        f"{client.server} does not serve {kind} of {api_version}; "
        "check the apiVersion, or apply its CustomResourceDefinition first",
    )
