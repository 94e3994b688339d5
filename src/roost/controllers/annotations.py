"""Copies a Cluster's own annotations (spec.annotations) to its metadata, where other tools look for them."""

from __future__ import annotations

from roost.controllers.environment import Environment
from roost.controllers.kinds import spec
from roost.controllers.runtime.api import Object, Ref, deleting, metadata, part


class AnnotationController:
    def __init__(self, env: Environment) -> None:
        self._env = env

    async def reconcile(self, ref: Ref) -> float | None:
        cluster = self._env.cache.get(ref)
        if cluster is None or deleting(cluster):
            return None
        missing = missing_annotations(cluster)
        if missing:
            await self._env.api.merge(ref, {"metadata": {"annotations": missing}})
        return None


def missing_annotations(cluster: Object) -> Object:
    """Those of the spec that the metadata lacks or has otherwise. Pure."""
    there = part(metadata(cluster), "annotations")
    return {key: value for key, value in part(spec(cluster), "annotations").items() if there.get(key) != value}
