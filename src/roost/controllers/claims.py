"""What roost writes into the metadata of objects it looks after: finalizers, the cluster's id, owner references.

Every patch names the version that it was decided on, so that nothing is undone that changed meanwhile (a
409 leads to another look). Called by the cluster, machine and secret controllers.
"""

from __future__ import annotations

import uuid

from roost.api.names import CLUSTER_LABEL, FINALIZER, ID_ANNOTATION, IN_USE_FINALIZER
from roost.controllers.kinds import CLUSTER, MACHINE, cluster_id, items, owner_reference
from roost.controllers.runtime.api import (
    Api,
    ApiProblem,
    Object,
    Ref,
    deleting,
    finalizers,
    metadata,
    part,
    ref_of,
    uid,
)


async def claim_cluster(api: Api, cluster: Object) -> Object:
    """The Cluster with its finalizer and id; written only where they are missing."""
    patch: Object = {}
    if FINALIZER not in finalizers(cluster):
        patch["finalizers"] = [*finalizers(cluster), FINALIZER]
    if cluster_id(cluster) is None:
        patch["annotations"] = {ID_ANNOTATION: str(uuid.uuid4())}
    if not patch:
        return cluster
    return await _patched(api, ref_of(CLUSTER, cluster), cluster, patch)


async def claim_machine(api: Api, cluster: Object, machine: Object) -> Object:
    """The Machine with finalizer, owner and the id of its Cluster, which undo needs even when that is gone."""
    if deleting(machine):
        return machine
    meta = metadata(machine)
    patch: Object = {}
    if FINALIZER not in finalizers(machine):
        patch["finalizers"] = [*finalizers(machine), FINALIZER]
    if cluster_id(machine) != cluster_id(cluster):
        patch["annotations"] = {ID_ANNOTATION: cluster_id(cluster)}
    if part(meta, "labels").get(CLUSTER_LABEL) != metadata(cluster)["name"]:
        patch["labels"] = {CLUSTER_LABEL: metadata(cluster)["name"]}
    owners = [owner for owner in items(meta.get("ownerReferences")) if owner.get("kind") != CLUSTER.kind]
    if uid(cluster) not in {owner.get("uid") for owner in items(meta.get("ownerReferences"))}:
        patch["ownerReferences"] = [*owners, owner_reference(cluster)]
    if not patch:
        return machine
    return await _patched(api, ref_of(MACHINE, machine), machine, patch)


async def claim_secret(api: Api, ref: Ref, secret: Object) -> bool:
    """Holds a Secret for as long as a Machine needs it. False: it is going and can't be held any more."""
    if IN_USE_FINALIZER in finalizers(secret):
        return True
    if deleting(secret):
        return False
    try:
        await _patched(api, ref, secret, {"finalizers": [*finalizers(secret), IN_USE_FINALIZER]})
    except ApiProblem as problem:
        if problem.not_found or problem.refused:
            return False
        raise
    return True


async def release(api: Api, ref: Ref, obj: Object, finalizer: str) -> None:
    """Takes one finalizer away; an object that is gone already is fine."""
    if finalizer not in finalizers(obj):
        return
    kept = [name for name in finalizers(obj) if name != finalizer]
    try:
        await _patched(api, ref, obj, {"finalizers": kept or None})
    except ApiProblem as problem:
        if not problem.not_found:
            raise


async def release_now(api: Api, ref: Ref, finalizer: str) -> None:
    """As `release`, on the object as the API has it now."""
    for _ in range(5):
        try:
            await release(api, ref, await api.get(ref), finalizer)
            return
        except ApiProblem as problem:
            if problem.not_found:
                return
            if not problem.conflict:
                raise


async def delete(api: Api, ref: Ref) -> None:
    """Deletes an object; one that is gone already is fine."""
    try:
        await api.delete(ref)
    except ApiProblem as problem:
        if not problem.not_found:
            raise


async def _patched(api: Api, ref: Ref, obj: Object, patch: Object) -> Object:
    version = metadata(obj).get("resourceVersion")
    return await api.merge(ref, {"metadata": {"resourceVersion": version, **patch}})
