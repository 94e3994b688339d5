"""roost's own access to an imported cluster: made from the given credential, short-lived, renewed, taken away again.

Everything made in the cluster carries the platform's uid in a label; what was there before carries none and stays.
No finalizer and no annotation is ever put on an object of the cluster's own. Called by provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from roost.api.errors import RetryLater, RoostError
from roost.api.masked import Masked
from roost.api.names import GROUP, SYSTEM_NAMESPACE
from roost.api.v1alpha1.cluster import Profile
from roost.kube.apply import server_side_apply
from roost.kube.client import Client
from roost.kube.errors import answered, explained
from roost.kube.guarded import Policy, connect_guarded
from roost.kube.kubeconfig import Access, build_token, parse
from roost.providers.imported import rights
from roost.providers.imported.checks import PLATFORM_ANNOTATION
from roost.providers.imported.given import claims

ACCOUNT: Final = "roost-manager"
BINDING: Final = "roost:manager"
IDENTITY: Final = "roost-identity"
LABEL: Final = f"{GROUP}/platform"
"""On everything that roost makes in the cluster: the uid of the platform."""
MANAGER: Final = "roost-import"
LIFE: Final = 24 * 3600
"""Seconds for which a token is asked for; a cluster may give a shorter one."""
_RBAC: Final = "rbac.authorization.k8s.io"
_NAMESPACE: Final = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}"
_MADE_BY_KUBERNETES: Final = {"ConfigMap": {"kube-root-ca.crt"}, "ServiceAccount": {"default"}}
Json = dict[str, Any]


@dataclass(frozen=True)
class Owner:
    """Whose cluster it becomes."""

    platform_uid: str
    cluster_id: str
    cluster_uid: str
    profile: Profile
    roost_version: str


def objects(owner: Owner, *, namespace_is_ours: bool) -> list[Json]:
    """In the order in which they are made. A namespace that was there before is left as it is."""
    labels = {LABEL: owner.platform_uid, "app.kubernetes.io/managed-by": "roost"}
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": SYSTEM_NAMESPACE,
            "labels": labels,
            "annotations": {PLATFORM_ANNOTATION: owner.platform_uid},
        },
    }
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": ACCOUNT, "namespace": SYSTEM_NAMESPACE, "labels": labels},
        "automountServiceAccountToken": False,
    }
    identity = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": IDENTITY, "namespace": SYSTEM_NAMESPACE, "labels": labels},
        "data": {
            "platformUID": owner.platform_uid,
            "clusterUID": owner.cluster_uid,
            "clusterID": owner.cluster_id,
            "version": owner.roost_version,
        },
    }
    built_in = rights.BUILT_IN.get(owner.profile)
    role = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": BINDING, "labels": labels},
        "rules": [*rights.rules(owner.profile), *_let_go(owner)],
    }
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": BINDING, "labels": labels},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": built_in or BINDING},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": SYSTEM_NAMESPACE}],
    }
    made = [namespace] if namespace_is_ours else []
    return [*made, account, identity, *([] if built_in else [role]), binding]


def _let_go(owner: Owner) -> list[rights.Rule]:
    """A profile that may not do everything may still take away what roost made, and renew its own token."""
    del owner
    own = {"apiGroups": [""], "resourceNames": [ACCOUNT]}
    return [
        {**own, "resources": ["serviceaccounts/token"], "verbs": ["create"]},
        {**own, "resources": ["serviceaccounts"], "verbs": ["get", "delete"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [IDENTITY], "verbs": ["get", "delete"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]},
        {
            "apiGroups": [""],
            "resources": ["namespaces"],
            "resourceNames": [SYSTEM_NAMESPACE],
            "verbs": ["get", "delete"],
        },
        {
            "apiGroups": [_RBAC],
            "resources": ["clusterroles", "clusterrolebindings"],
            "resourceNames": [BINDING],
            "verbs": ["get", "delete"],
        },
    ]


async def adopt(access: Access, policy: Policy, owner: Owner, *, takeover: bool = False) -> Masked:
    """Makes roost's own access with the given one, tries it, and gives its kubeconfig. Raises RoostError."""
    client = connect_guarded(access, policy)
    try:
        with explained(client.server, doing="make roost's own access"):
            ours = await _namespace_is_ours(client, owner, takeover=takeover)
            *others, binding = objects(owner, namespace_is_ours=ours)
            await server_side_apply(client, others, field_manager=MANAGER)
            await _unbind(client, binding)
            await server_side_apply(client, [await _owned(client, binding)], field_manager=MANAGER)
            return await _fresh(client, access, policy)
    finally:
        await client.close()


async def renew(kubeconfig: Masked, policy: Policy) -> Masked:
    """A new token from the one that still works; the old one stays valid until its own end. Raises RoostError."""
    access = parse(kubeconfig)
    client = connect_guarded(access, policy)
    try:
        with explained(client.server, doing="renew roost's own access"):
            return await _fresh(client, access, policy)
    finally:
        await client.close()


def renewal(token: Masked, *, chance: float) -> datetime | None:
    """When to renew: at a third of its life, spread by a tenth of it (`chance` 0 to 1). None: it tells no end."""
    known = claims(token)
    begin, end = known.get("iat"), known.get("exp")
    if not isinstance(begin, int | float) or not isinstance(end, int | float):
        return None
    from datetime import UTC

    return datetime.fromtimestamp(begin, UTC) + timedelta(seconds=(end - begin) * (1 / 3 + chance / 10))


async def _unbind(client: Client, binding: Json) -> None:
    """A binding can't be given another role: that of another profile goes first, in a moment made anew."""
    path = f"/apis/{_RBAC}/v1/clusterrolebindings/{BINDING}"
    try:
        found = await client.call("GET", path)
        if cast("Json", found["roleRef"])["name"] != binding["roleRef"]["name"]:
            await client.call("DELETE", path)
    except Exception as error:
        if answered(error) != 404:
            raise


async def _owned(client: Client, binding: Json) -> Json:
    """The binding goes with roost's ClusterRole, whose deletion ends the right to delete the binding."""
    if binding["roleRef"]["name"] != BINDING:
        return binding
    role = await client.call("GET", f"/apis/{_RBAC}/v1/clusterroles/{BINDING}")
    owner = {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "name": BINDING, "uid": role["metadata"]["uid"]}
    return {**binding, "metadata": {**binding["metadata"], "ownerReferences": [owner]}}


async def _namespace_is_ours(client: Client, owner: Owner, *, takeover: bool) -> bool:
    """Whether roost makes the namespace (or made it before)."""
    try:
        found = await client.call("GET", _NAMESPACE)
    except Exception as error:
        if answered(error) == 404:
            return True
        raise
    meta = cast("Json", found["metadata"])
    holder = cast("Mapping[str, str]", meta.get("labels") or {}).get(LABEL)
    if meta.get("deletionTimestamp"):
        raise RetryLater(
            "NamespaceGoing",
            f"the namespace {SYSTEM_NAMESPACE} of the cluster is being deleted; it is made anew then",
        )
    return holder == owner.platform_uid or (takeover and holder is not None)


async def _fresh(client: Client, access: Access, policy: Policy) -> Masked:
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": LIFE},
    }
    answer = await client.call("POST", f"{_NAMESPACE}/serviceaccounts/{ACCOUNT}/token", body=body)
    token = Masked(str(cast("Json", answer["status"])["token"]))
    made = build_token(access.server, access.ca_pem, token, user=ACCOUNT, server_name=access.server_name)
    await _works(made, policy)
    return made


async def _works(kubeconfig: Masked, policy: Policy) -> None:
    """Rights reach an API server's memory a moment after they are written."""
    client = connect_guarded(parse(kubeconfig), policy)
    try:
        for attempt in range(10):
            try:
                await client.call("GET", _NAMESPACE)
                return
            except Exception as error:
                if answered(error) not in (401, 403) or attempt == 9:
                    raise
                await asyncio.sleep(0.2 * (attempt + 1))
    finally:
        await client.close()


async def detach(kubeconfig: Masked, policy: Policy, platform_uid: str) -> list[str]:
    """Takes away what roost made, itself last. Gives what could not be taken away, by name. Raises RoostError.

    Rights end with the binding, and the sign-in with the account; an API server knows a token for some seconds more.
    So the account goes before the binding, and the namespace (with the account in it) only where nothing else is.
    """
    client = connect_guarded(parse(kubeconfig), policy)
    try:
        with explained(client.server, doing="detach"):
            return await _detached(client, platform_uid)
    finally:
        await client.close()


async def _detached(client: Client, platform_uid: str) -> list[str]:
    binding = f"/apis/{_RBAC}/v1/clusterrolebindings/{BINDING}"
    role = f"/apis/{_RBAC}/v1/clusterroles/{BINDING}"
    account = f"{_NAMESPACE}/serviceaccounts/{ACCOUNT}"
    found = {path: await _ours(client, path, platform_uid) for path in (binding, role, account, _NAMESPACE)}
    await _delete(
        client,
        f"{_NAMESPACE}/configmaps/{IDENTITY}",
        await _ours(client, f"{_NAMESPACE}/configmaps/{IDENTITY}", platform_uid),
    )
    empty = found[_NAMESPACE] is not None and not await _others(client)
    left: list[str] = []
    # The binding of a ClusterRole of roost's own is its dependent: the cluster itself takes it away.
    last = binding if found[role] is None else role
    for path in (_NAMESPACE if empty else account, last):
        try:
            await _delete(client, path, found[path])
        except RoostError:
            raise
        except Exception as error:
            if answered(error) not in (401, 403):
                raise
            left.append(path.rsplit("/", 2)[-2] + "/" + path.rsplit("/", 1)[-1])
    return left


async def _ours(client: Client, path: str, platform_uid: str) -> str | None:
    """The uid of an object that this platform made; None for what is not there or somebody else's."""
    try:
        obj = await client.call("GET", path)
    except Exception as error:
        if answered(error) in (403, 404):
            return None
        raise
    meta = cast("Json", obj["metadata"])
    mine = cast("Mapping[str, str]", meta.get("labels") or {}).get(LABEL) == platform_uid
    return str(meta["uid"]) if mine else None


async def _delete(client: Client, path: str, uid: str | None) -> None:
    """Only the very object that was looked at."""
    if uid is None:
        return
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
    try:
        await client.call("DELETE", path, body=body)
    except Exception as error:
        if answered(error) not in (404, 409):
            raise


async def _others(client: Client) -> list[str]:
    """What stands in roost's namespace that neither roost nor Kubernetes put there."""
    found: list[str] = []
    kinds = {"Pod": "pods", "ConfigMap": "configmaps", "Secret": "secrets", "Service": "services",
             "ServiceAccount": "serviceaccounts"}  # fmt: skip
    for kind, plural in kinds.items():
        listed = await client.call("GET", f"{_NAMESPACE}/{plural}", query={"limit": 50})
        for item in cast("list[Json]", listed.get("items") or []):
            name = str(item["metadata"]["name"])
            if name not in _MADE_BY_KUBERNETES.get(kind, set()) and name not in (ACCOUNT, IDENTITY):
                found.append(f"{kind} {name}")
    for path in ("/apis/apps/v1", "/apis/batch/v1"):
        plural = "deployments" if "apps" in path else "jobs"
        listed = await client.call("GET", f"{path}/namespaces/{SYSTEM_NAMESPACE}/{plural}", query={"limit": 50})
        found += [f"{plural} {item['metadata']['name']}" for item in cast("list[Json]", listed.get("items") or [])]
    return found
