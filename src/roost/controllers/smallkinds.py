"""The controllers of the smaller kinds together: what they watch, and what each change leads to. Used by wiring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from roost.api import conditions as c
from roost.controllers.annotations import AnnotationController, missing_annotations
from roost.controllers.cloudcredential import PUBLIC, CloudCredentialController
from roost.controllers.environment import Environment
from roost.controllers.featuregate import FeatureGateController
from roost.controllers.kinds import (
    BY_OWNER,
    BY_PROJECT,
    CLOUD_CREDENTIAL,
    CLUSTER,
    FEATURE_GATE,
    MACHINE_CHECK,
    MACHINE_DRAFT,
    PROJECT,
    Job,
    Key,
    index_by_owner,
    index_by_project,
    is_global,
    registry_type,
    slim,
    spec,
)
from roost.controllers.machinecheck import MachineCheckController
from roost.controllers.machinedraft import MachineDraftController
from roost.controllers.project import ProjectController, is_available, projects_of
from roost.controllers.runtime.api import Object, generation, part, ref_of
from roost.controllers.runtime.cache import Cache, Slim
from roost.controllers.runtime.status import Owned
from roost.kube.resources import SECRET, ResourceType

WATCHED: Final[dict[ResourceType, Slim]] = dict.fromkeys(
    (MACHINE_CHECK, MACHINE_DRAFT, CLOUD_CREDENTIAL, PROJECT, FEATURE_GATE), slim
)
STATUS: Final[dict[ResourceType, Owned]] = {
    MACHINE_CHECK: Owned(
        conditions=(c.REACHABLE, c.CHECKED),
        fields=("ok", "reason", "message", "observedGeneration", "checkedTime", "hostKey", "facts"),
    ),
    CLOUD_CREDENTIAL: Owned(
        conditions=(c.READY,), fields=("valid", "message", "address", "expires", "usedBy", "observedGeneration")
    ),
    PROJECT: Owned(conditions=(c.READY,), fields=("clusters", "observedGeneration")),
}
_JOBS: Final[dict[ResourceType, Job]] = {
    MACHINE_CHECK: "check",
    MACHINE_DRAFT: "draft",
    CLOUD_CREDENTIAL: "credential",
    PROJECT: "project",
}


def index(cache: Cache) -> None:
    """Before the cache runs."""
    cache.index(CLUSTER, BY_PROJECT, index_by_project)
    cache.index(MACHINE_DRAFT, BY_OWNER, index_by_owner)


class SmallKinds:
    def __init__(self, env: Environment, add: Callable[[Key], None]) -> None:
        self._cache = env.cache
        self._add = add
        self._gates = FeatureGateController(env)
        self._credentials = CloudCredentialController(env)
        self._checks = MachineCheckController(env)
        self._drafts = MachineDraftController(env)
        self._projects = ProjectController(env)
        self._annotations = AnnotationController(env)
        for resource, job in _JOBS.items():
            self._cache.on_change(resource, self._handler(resource, job))
        self._cache.on_change(CLUSTER, self._cluster_changed)
        self._cache.on_change(SECRET, self._secret_changed)
        self._cache.on_change(FEATURE_GATE, self._gate_changed)

    async def ensure(self) -> None:
        """What exists from the first start on. Raises ApiProblem."""
        await self._gates.ensure()
        await self._credentials.ensure()

    async def reconcile(self, key: Key) -> float | None:
        match key.job:
            case "check":
                return await self._checks.reconcile(key.ref)
            case "draft":
                return await self._drafts.reconcile(key.ref)
            case "credential":
                return await self._credentials.reconcile(key.ref)
            case "project":
                return await self._projects.reconcile(key.ref)
            case "annotations":
                return await self._annotations.reconcile(key.ref)
            case _:
                raise AssertionError(f"{key} is not one of the smaller kinds'")

    def _handler(self, resource: ResourceType, job: Job) -> Callable[[Object | None, Object | None], None]:
        def changed(old: Object | None, new: Object | None) -> None:
            obj = new or old
            # Its own status coming back is no news.
            if obj is not None and (old is None or new is None or generation(old) != generation(new)):
                self._add(Key(job, ref_of(resource, obj)))

        return changed

    def _cluster_changed(self, old: Object | None, new: Object | None) -> None:
        if any(obj is not None and is_global(obj) for obj in (old, new)):
            return
        if new is not None and missing_annotations(new):
            self._add(Key("annotations", ref_of(CLUSTER, new)))
        if old is None or new is None or _membership(old) != _membership(new):
            for obj in (old, new):
                for ref in projects_of(obj, self._cache.all(PROJECT)) if obj is not None else ():
                    self._add(Key("project", ref))
        if (any(obj is not None and _uses_public(obj) for obj in (old, new)) and (old is None or new is None)) or (
            old is not None and new is not None and _uses_public(old) != _uses_public(new)
        ):
            self._add(Key("credential", PUBLIC))

    def _gate_changed(self, old: Object | None, new: Object | None) -> None:
        """Clusters that wait for the gate go on at once; those that run are told of a closed one."""
        if old is not None and new is not None and generation(old) == generation(new):
            return
        for cluster in self._cache.all(CLUSTER):
            if part(part(spec(cluster), "onPremises"), "runtime").get("type") == "Docker":
                self._add(Key("cluster", ref_of(CLUSTER, cluster)))

    def _secret_changed(self, old: Object | None, new: Object | None) -> None:
        obj = new or old
        if obj is None or (old is not None and new is not None and old.get("digest") == new.get("digest")):
            return
        ref = ref_of(SECRET, obj)
        for known in self._cache.all(CLOUD_CREDENTIAL):
            own = ref_of(CLOUD_CREDENTIAL, known)
            if (own.namespace, part(spec(known), "secret").get("name")) == (ref.namespace, ref.name):
                self._add(Key("credential", own))


def _membership(cluster: Object) -> tuple[object, bool]:
    return spec(cluster).get("project"), is_available(cluster)


def _uses_public(cluster: Object) -> bool:
    return bool(part(spec(cluster), "onPremises")) and registry_type(cluster) == "Public"
