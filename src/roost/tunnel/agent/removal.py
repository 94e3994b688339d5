"""The agent takes itself out of the cluster: everything that its manifest brought, and nothing else.

Called when the platform says that the cluster was detached, also when that happened while the agent was away. What
it can't delete while it still needs it (its own rights) is handed to the garbage collector by an owner: the
namespace, which goes last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from roost.tunnel.agent.api import Api, ApiProblem

_RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
LABEL: Final = "app.kubernetes.io/part-of=roost-agent"
LAST: Final = "roost-agent"
"""Name of the ClusterRole and the binding that the agent itself acts by."""


async def remove(api: Api, log: Callable[..., None]) -> None:
    """Raises ApiProblem; what is gone stays gone, and the next call goes on."""
    namespace = api.place.namespace
    found = await api.call("GET", f"/api/v1/namespaces/{namespace}")
    owner = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "name": namespace,
        "uid": found["metadata"]["uid"],
    }
    for resource in ("clusterrolebindings", "clusterroles"):
        listed = await api.call("GET", f"{_RBAC}/{resource}?labelSelector={LABEL.replace('=', '%3D')}")
        for item in cast("list[dict[str, Any]]", listed.get("items") or []):
            name = str(item["metadata"]["name"])
            if name != LAST:
                await _delete(api, f"{_RBAC}/{resource}/{name}", log)
    for resource in ("clusterrolebindings", "clusterroles"):
        await api.call(
            "PATCH",
            f"{_RBAC}/{resource}/{LAST}",
            {"metadata": {"ownerReferences": [owner]}},
            content_type="application/merge-patch+json",
        )
    await _delete(api, f"/api/v1/namespaces/{namespace}", log)


async def _delete(api: Api, path: str, log: Callable[..., None]) -> None:
    try:
        await api.call("DELETE", path)
        log("removed", path=path)
    except ApiProblem as problem:
        if problem.code != 404:
            raise
