"""The Cluster's own annotations as a ConfigMap in the managed cluster, for what runs there to read.

`cpaas.io/platform-url` is the one that roost's own agents look up: where the platform is reached from the cluster's
network. Called once the API answers; the spec's annotations can't change, so that one writing is enough.
"""

from __future__ import annotations

from typing import Final, cast

from roost.api.names import FIELD_MANAGER
from roost.kube.apply import server_side_apply
from roost.kube.client import Client, Json
from roost.kube.errors import answered, explained
from roost.kube.resources import CONFIG_MAP, ResourceType
from roost.providers.onprem.context import Context

NAMESPACE: Final = "kube-system"
NAME: Final = "cluster-annotations"
_RBAC: Final = "rbac.authorization.k8s.io"
_BINDING: Final = ResourceType(_RBAC, "v1", "RoleBinding", "rolebindings", namespaced=True)


def manifest(ctx: Context) -> Json:
    """Keys of a ConfigMap hold no slash: it is written as two underscores, and the key itself as an annotation."""
    given = dict(sorted(ctx.spec.annotations.items()))
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "annotations": given},
        "data": {key.replace("/", "__"): value for key, value in given.items()},
    }


def rights() -> list[Json]:
    """Every service account of the cluster may read this one ConfigMap: its components run as such."""
    name = {"name": NAME, "namespace": NAMESPACE}
    rule = {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "resourceNames": [NAME],
        "verbs": ["get", "list", "watch"],
    }
    group = {"apiGroup": _RBAC, "kind": "Group", "name": "system:serviceaccounts"}
    return [
        {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": name, "rules": [rule]},
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": name,
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": NAME},
            "subjects": [group],
        },
    ]


async def publish(ctx: Context, client: Client) -> None:
    """Writes nothing where it is as it should be, or where the Cluster has no annotations."""
    if not ctx.spec.annotations:
        return
    wanted = manifest(ctx)
    with explained(client.server, doing="look at the cluster's annotations"):
        found = await _get(client, CONFIG_MAP)
        bound = await _get(client, _BINDING)
    if bound and cast("Json", found.get("data") or {}) == wanted["data"]:
        return
    await server_side_apply(client, [wanted, *rights()], field_manager=FIELD_MANAGER)


async def _get(client: Client, resource: ResourceType) -> Json:
    try:
        return await client.call("GET", resource.path(namespace=NAMESPACE, name=NAME))
    except Exception as error:
        if answered(error) != 404:
            raise
        return {}
