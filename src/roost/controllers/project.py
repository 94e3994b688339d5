"""Says which Clusters belong to a Project: those that it lists and those that name it, once each is Available."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from roost.api import conditions as c
from roost.api.validation.world import is_true
from roost.controllers.environment import Environment
from roost.controllers.kinds import BY_PROJECT, CLUSTER, PROJECT, items, spec
from roost.controllers.runtime.api import Object, Ref, deleting, generation, metadata, part, ref_of


class ProjectController:
    def __init__(self, env: Environment) -> None:
        self._env = env

    async def reconcile(self, ref: Ref) -> float | None:
        env = self._env
        project = env.cache.get(ref)
        if project is None or deleting(project):
            env.status.forget(ref)
            return None
        env.status.adopt(PROJECT, project)
        wishing = env.cache.by(CLUSTER, BY_PROJECT, ref.name)
        before = cast("list[Object]", env.status.value(ref, "clusters") or [])
        joined = {(item["namespace"], item["name"]) for item in before if item.get("joined")}
        told = [self._membership(one, joined) for one in named(project, wishing)]
        waiting = [item for item in told if not item["joined"]]
        seen = generation(project)
        if waiting:
            names = ", ".join(f"{item['namespace']}/{item['name']}" for item in waiting)
            text = f"{len(waiting)} of {len(told)} Clusters have not joined yet: {names}"
            env.status.say(ref, c.READY, "False", c.WAITING, text, generation=seen)
        else:
            env.status.say(ref, c.READY, "True", c.SUCCEEDED, f"{len(told)} Clusters belong to it", generation=seen)
        env.status.set(ref, clusters=told, observedGeneration=seen)
        return None

    def _membership(self, where: tuple[str, str], joined: set[tuple[str, str]]) -> Object:
        """A Cluster that has joined stays while it exists, well or not."""
        item: Object = {"namespace": where[0], "name": where[1], "joined": False}
        cluster = self._env.cache.get(Ref(CLUSTER, *where))
        if cluster is None:
            return {**item, "message": "there is no such Cluster; create it, or take it out of the Project"}
        if where in joined or is_available(cluster):
            return {**item, "joined": True}
        return {**item, "message": "it joins once it is Available"}


def named(project: Object, wishing: Iterable[Object]) -> list[tuple[str, str]]:
    """Namespace and name of every Cluster that the Project lists or that names it, each once. Pure."""
    listed = [(str(item["namespace"]), str(item["name"])) for item in items(spec(project).get("clusters"))]
    asking = [(ref.namespace, ref.name) for ref in (ref_of(CLUSTER, cluster) for cluster in wishing)]
    return sorted({*listed, *asking})


def is_available(cluster: Object) -> bool:
    return is_true(cluster, c.AVAILABLE) and not deleting(cluster)


def projects_of(cluster: Object, projects: Iterable[Object]) -> set[Ref]:
    """The Projects that a change of this Cluster concerns. Pure."""
    where = (str(metadata(cluster).get("namespace") or ""), str(metadata(cluster)["name"]))
    own = spec(cluster).get("project")
    found = {Ref(PROJECT, "", str(own))} if own else set[Ref]()
    for project in projects:
        if where in {(item["namespace"], item["name"]) for item in items(part(project, "spec").get("clusters"))}:
            found.add(ref_of(PROJECT, project))
    return found
