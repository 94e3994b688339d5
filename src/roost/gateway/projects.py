"""The rights of a Project's members on the platform: one Role and RoleBinding in each namespace of its clusters.

What they may do inside a cluster follows from them, by the verbs on clusters/proxy (api.rights). Level-triggered: a
change of a Project leads to what is wanted now, and what is labelled as the Project's and not wanted goes. Every
replica does the same, which server-side apply makes harmless. Run by run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final, cast

from roost.api.errors import RoostError
from roost.api.exchange import Identity
from roost.api.names import GROUP, VERSION
from roost.gateway.authenticate import GROUP_PREFIX, USER_PREFIX
from roost.kube.lean import Lean

LABEL: Final = f"{GROUP}/project"
_RBAC: Final = "rbac.authorization.k8s.io"
_BASE: Final = f"/apis/{_RBAC}/v1"
_MANAGER: Final = "roost-gateway"
_VERBS: Final = {"Admin": "administer-project", "Editor": "edit-project", "Viewer": "view-project"}
_LOG: Final = logging.getLogger("roost.gateway")

Json = dict[str, Any]


class ProjectRights:
    def __init__(self, api: Lean) -> None:
        self._api = api
        self._known: dict[str, Json] = {}
        self._due: set[str] = set()
        self._wake = asyncio.Event()

    def of(self, identity: Identity) -> list[Json]:
        """The Projects that name the caller or a group of theirs, in order of their names."""
        return [project for _, project in sorted(self._known.items()) if is_member(project, identity)]

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._work())

    async def _follow(self) -> None:
        async for kind, item in self._api.follow(f"/apis/{GROUP}/{VERSION}/projects"):
            if kind == "SYNCED":
                continue
            name = str(item["metadata"]["name"])
            if kind == "DELETED":
                self._known.pop(name, None)
            else:
                self._known[name] = item
            self._due.add(name)
            self._wake.set()

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            due, self._due = self._due, set()
            for name in due:
                try:
                    await self._step(name)
                except (RoostError, TimeoutError) as error:
                    _LOG.warning("rights of the project %s not put in step: %s", name, error)
                    self._due.add(name)
            if self._due:
                await asyncio.sleep(5)
                self._wake.set()

    async def _step(self, name: str) -> None:
        project = self._known.get(name)
        wanted = {path_of(one): one for one in manifests(project)} if project is not None else {}
        # Bindings last when they come, first when they go.
        for path, document in wanted.items():
            await self._api.apply(path, document, manager=_MANAGER)
        for plural in ("rolebindings", "roles", "clusterrolebindings", "clusterroles"):
            listed = await self._api.call("GET", f"{_BASE}/{plural}?labelSelector={LABEL}%3D{name}")
            for item in cast("list[Json]", listed.get("items") or []):
                path = path_of({"kind": _KINDS[plural], **item})
                if path not in wanted:
                    await self._api.call("DELETE", path)


_KINDS: Final = {
    "roles": "Role",
    "rolebindings": "RoleBinding",
    "clusterroles": "ClusterRole",
    "clusterrolebindings": "ClusterRoleBinding",
}


def is_member(project: Mapping[str, Any], identity: Identity) -> bool:
    members = cast("list[Json]", cast("Json", project.get("spec") or {}).get("members") or [])
    names = {subject["name"] for subject in map(_subject, members)}
    return identity.user in names or not names.isdisjoint(identity.groups)


def path_of(document: Mapping[str, Any]) -> str:
    metadata = document["metadata"]
    where = f"/namespaces/{metadata['namespace']}" if metadata.get("namespace") else ""
    return f"{_BASE}{where}/{str(document['kind']).lower()}s/{metadata['name']}"


def manifests(project: Mapping[str, Any]) -> list[Json]:
    """Roles and bindings of a Project; Roles before the bindings that name them."""
    name = str(project["metadata"]["name"])
    spec = cast("Json", project.get("spec") or {})
    members: dict[str, list[Json]] = {}
    for member in cast("list[Json]", spec.get("members") or []):
        members.setdefault(str(member.get("role")), []).append(_subject(member))
    by_namespace: dict[str, list[str]] = {}
    for cluster in cast("list[Json]", spec.get("clusters") or []):
        by_namespace.setdefault(str(cluster["namespace"]), []).append(str(cluster["name"]))
    found: list[Json] = []
    everybody = [subject for subjects in members.values() for subject in subjects]
    if everybody:
        own = f"roost:project:{name}"
        rules = [{"apiGroups": [GROUP], "resources": ["projects"], "resourceNames": [name], "verbs": ["get"]}]
        found.append(_object("ClusterRole", own, name, rules=rules))
        found.append(_object("ClusterRoleBinding", own, name, **_to("ClusterRole", own, everybody)))
    for role, verb in _VERBS.items():
        subjects = members.get(role)
        for namespace, clusters in by_namespace.items() if subjects else ():
            own = f"roost:project:{name}:{role.lower()}"
            found.append(_object("Role", own, name, namespace, rules=_rules(role, verb, clusters)))
            found.append(_object("RoleBinding", own, name, namespace, **_to("Role", own, subjects or [])))
    return found


def _rules(role: str, verb: str, clusters: list[str]) -> list[Json]:
    named = {"apiGroups": [GROUP], "resourceNames": sorted(clusters)}
    # One cluster is listed and watched by its name alone: `fieldSelector=metadata.name=NAME`.
    verbs = ["get", "list", "watch", *(["update", "patch"] if role == "Admin" else [])]
    return [
        {**named, "resources": ["clusters"], "verbs": verbs},
        {**named, "resources": ["clusters/proxy"], "verbs": [verb]},
    ]


def _subject(member: Mapping[str, Any]) -> Json:
    kind, prefix = ("User", USER_PREFIX) if member.get("user") else ("Group", GROUP_PREFIX)
    return {"apiGroup": _RBAC, "kind": kind, "name": prefix + str(member.get("user") or member.get("group"))}


def _to(kind: str, name: str, subjects: list[Json]) -> Json:
    return {"roleRef": {"apiGroup": _RBAC, "kind": kind, "name": name}, "subjects": subjects}


def _object(kind: str, name: str, project: str, namespace: str = "", **content: Any) -> Json:
    metadata: Json = {"name": name, "labels": {LABEL: project}} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": metadata, **content}
