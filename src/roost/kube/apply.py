"""Brings objects of any kind to a wish by server-side apply. Called by embedded, the provider and controllers.

Objects are plain dicts, as they come from manifests. Each writer names itself (`field_manager`) and owns
the fields it gives, and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from lightkube.core.exceptions import ApiError

from roost.kube import discovery
from roost.kube.client import APPLY, Client, Json
from roost.kube.errors import explain, is_not_found
from roost.kube.resources import ResourceType
from roost.kube.wait import wait_established

_FIRST: Final = ("Namespace", "CustomResourceDefinition")
_EARLY: Final = ("ServiceAccount", "Secret", "ConfigMap", "ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding")


def in_order(objects: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Namespaces and CRDs first, then what others refer to, then the rest as given."""

    def rank(item: Mapping[str, Any]) -> int:
        kind = str(item.get("kind"))
        if kind in _FIRST:
            return _FIRST.index(kind)
        return len(_FIRST) + (_EARLY.index(kind) if kind in _EARLY else len(_EARLY))

    return sorted(objects, key=rank)


def without_lists(objects: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Every `List` replaced by its items."""
    flat: list[Mapping[str, Any]] = []
    for item in objects:
        if str(item.get("kind", "")).endswith("List") and isinstance(item.get("items"), list):
            flat += without_lists(cast("list[Mapping[str, Any]]", item["items"]))
        else:
            flat.append(item)
    return flat


async def server_side_apply(
    client: Client,
    objects: Iterable[Mapping[str, Any]],
    *,
    field_manager: str,
    force: bool = True,
    namespace: str = "default",
    dry_run: bool = False,
) -> list[Json]:
    """Applies all objects in a working order and gives them as the server has them now.

    `namespace` is for objects of namespaced kinds that name none. CRDs among the objects are waited for
    before anything after them. Raises RetryLater or PermanentFailure naming the object.
    """
    applied: list[Json] = []
    pending: list[str] = []
    for item in in_order(without_lists(objects)):
        kind = str(item["kind"])
        if kind == "CustomResourceDefinition":
            pending.append(str(item["metadata"]["name"]))
        elif kind != "Namespace" and pending and not dry_run:
            await wait_established(client, pending)
            pending = []
        applied.append(
            await apply_one(
                client, item, field_manager=field_manager, force=force, namespace=namespace, dry_run=dry_run
            )
        )
    if pending and not dry_run:
        await wait_established(client, pending)
    return applied


async def apply_one(
    client: Client,
    item: Mapping[str, Any],
    *,
    field_manager: str,
    force: bool = True,
    namespace: str = "default",
    dry_run: bool = False,
) -> Json:
    """Applies one object. Its status is not written: see `apply_status`."""
    resource, path, doing = await _locate(client, item, namespace)
    wish = {key: value for key, value in item.items() if key != "status"} | {"apiVersion": resource.api_version}
    return await _patch(client, path, wish, doing=doing, field_manager=field_manager, force=force, dry_run=dry_run)


async def apply_status(
    client: Client,
    resource: ResourceType,
    *,
    name: str,
    namespace: str | None,
    status: Mapping[str, Any],
    field_manager: str,
) -> Json:
    """Applies `status` (only this writer's fields and condition types) on the status subresource.

    What an earlier apply of the same writer gave and this one leaves out is removed.
    """
    metadata: Json = {"name": name} | ({"namespace": namespace} if namespace else {})
    body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, "status": dict(status)}
    path = resource.path(namespace=namespace, name=name, subresource="status")
    return await _patch(
        client,
        path,
        body,
        doing=f"write the status of {resource.kind} {name}",
        field_manager=field_manager,
        force=True,
    )


async def remove(client: Client, objects: Iterable[Mapping[str, Any]], *, namespace: str = "default") -> None:
    """Deletes objects in reverse order; what is not there is left alone."""
    for item in reversed(in_order(without_lists(objects))):
        try:
            _, path, _ = await _locate(client, item, namespace)
            await client.call("DELETE", path)
        except ApiError as error:
            if not is_not_found(error):
                raise explain(error, server=client.server, doing=f"delete {_title(item)}") from error


async def get(client: Client, resource: ResourceType, *, name: str, namespace: str | None = None) -> Json | None:
    """The object, or None where there is none."""
    try:
        return await client.call("GET", resource.path(namespace=namespace, name=name))
    except ApiError as error:
        if is_not_found(error):
            return None
        raise


async def _locate(client: Client, item: Mapping[str, Any], namespace: str) -> tuple[ResourceType, str, str]:
    resource = await discovery.find(client, str(item["apiVersion"]), str(item["kind"]))
    metadata = cast("Mapping[str, Any]", item["metadata"])
    where = str(metadata.get("namespace") or namespace) if resource.namespaced else None
    return resource, resource.path(namespace=where, name=str(metadata["name"])), f"apply {_title(item)}"


async def _patch(
    client: Client,
    path: str,
    body: Mapping[str, Any],
    *,
    doing: str,
    field_manager: str,
    force: bool,
    dry_run: bool = False,
) -> Json:
    query: dict[str, str | bool] = {"fieldManager": field_manager, "force": force}
    if dry_run:
        query["dryRun"] = "All"
    try:
        return await client.call("PATCH", path, query=query, body=body, content_type=APPLY)
    except Exception as error:
        raise explain(error, server=client.server, doing=doing) from error


def _title(item: Mapping[str, Any]) -> str:
    metadata = cast("Mapping[str, Any]", item.get("metadata") or {})
    parts: Sequence[str] = [str(metadata[key]) for key in ("namespace", "name") if metadata.get(key)]
    return f"{item.get('kind')} {'/'.join(parts)}"
