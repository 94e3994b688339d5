"""Whether a Cluster may be worked on: everything it names exists, nothing more arrives, and the rules hold.

Called by the cluster controller before each run of the provider; raises what stands in the way, after
`Validated` says it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from roost.api import conditions as c
from roost.api.errors import PermanentFailure, RetryLater
from roost.api.names import GLOBAL_CLUSTER, PUBLIC_REGISTRY_CREDENTIAL, SYSTEM_NAMESPACE
from roost.api.validation.documents import Judged, judge_cluster
from roost.bundle.model import Bundle
from roost.controllers import claims, registries
from roost.controllers.environment import Environment
from roost.controllers.kinds import (
    BY_ADDRESS,
    BY_ID,
    CLUSTER,
    FEATURE_GATE,
    MACHINE,
    PROJECT,
    cluster_id,
    index_by_address,
    registry_secret,
    secret_names,
    spec,
)
from roost.controllers.runtime.api import Object, Ref, deleting, metadata, part, ref_of, uid
from roost.kube.resources import SECRET

QUIET: Final = 3.0
"""Seconds without a new Machine before a cluster is begun: files are applied object by object, maybe by hand, and
what comes later waits until the cluster stands."""
QUIET_RUNNING: Final = 0.8
"""The same for one that runs: what one command applies is handled together; what comes later waits for one join."""
SERVED_AGAIN: Final = 2.0
WARNING_LIMIT: Final = 4096
MOST_WARNINGS: Final = 64
"""What the CRD takes."""


_WAITS: Final = frozenset({c.WAITING, "ReferenceMissing", "BundleMissing"})


class NotReady(PermanentFailure):
    """Something that the Cluster names is not there (`waits`), or a rule is broken. `Validated` tells it."""

    @property
    def waits(self) -> bool:
        return self.reason in _WAITS


class MoreMachines(Exception):
    """Machines have appeared since this look at the world: look again, with them, before anything is changed."""


def begun(env: Environment, cluster: Ref) -> bool:
    """Whether the cluster was made, so that a new Machine joins what runs."""
    said = env.status.said(cluster, c.CONTROL_PLANE_INITIALIZED)
    return said is not None and said.status == "True"


async def settle(env: Environment, cluster: Ref, machines: Iterable[Object]) -> None:
    """Waits until nothing more is being applied. Raises MoreMachines where these are not all any more."""
    known = {uid(machine) for machine in machines}
    while (left := quiet_left(env, cluster, env.machines(cluster))) > 0:
        await asyncio.sleep(left)
    if any(uid(machine) not in known and not deleting(machine) for machine in env.machines(cluster)):
        raise MoreMachines


def quiet_left(env: Environment, cluster: Ref, machines: Iterable[Object]) -> float:
    """Seconds until no Machine has appeared for `QUIET` or, in a running cluster, `QUIET_RUNNING`."""
    heard = [env.cache.appeared(ref_of(MACHINE, machine)) for machine in machines]
    newest = max((moment for moment in heard if moment is not None), default=None)
    if newest is None:
        return 0.0
    quiet = QUIET_RUNNING if begun(env, cluster) else QUIET
    return max(0.0, newest + quiet - asyncio.get_running_loop().time())


async def check(env: Environment, cluster: Object, machines: list[Object]) -> Bundle:
    """The bundle of the Cluster's version; `status.warnings` tells what is allowed and still worth knowing.

    Raises NotReady, or RetryLater while images are being pushed.
    """
    name = metadata(cluster)["name"]
    if not machines:
        raise NotReady(
            c.WAITING, f"no Machine names Cluster {name} yet; create Machines with spec.clusterName {name}"
        )
    await _hold_secrets(env, machines)
    twin = _twin(env, cluster)
    if twin:
        raise NotReady(
            "IdNotUnique", f"Cluster {twin} has the same id; create this one without annotations of another's"
        )
    judged = judge(env, cluster, machines)
    env.status.set(ref_of(CLUSTER, cluster), warnings=warnings(judged) or None)
    errors = [one for one in judged if one.verdict.errors]
    if errors:
        raise NotReady(*_told(errors))
    version = str(spec(cluster).get("version") or "")
    bundle = env.bundles.find(version)
    if bundle is None:
        present = ", ".join(env.bundles.versions()) or "none"
        raise NotReady(
            "BundleMissing",
            f"spec.version: there is no bundle of Kubernetes {version} (present: {present}); run `roost bundle "
            f"create --kubernetes {version}`, or `roost bundle import FILE`",
        )
    waiting = env.bundles.not_served(version) if registries.waits_for_push(cluster) else None
    if waiting:
        raise RetryLater("ImagesNotServed", waiting, delay=SERVED_AGAIN)
    return bundle


def judge(env: Environment, cluster: Object, machines: list[Object]) -> list[Judged]:
    """The whole set of rules, with nothing still to come."""
    namespace = metadata(cluster)["namespace"]
    ref = ref_of(CLUSTER, cluster)
    # What this process has just said of it may not be written yet.
    said = {kind: env.status.said(ref, kind) for kind in (c.CONTROL_PLANE_INITIALIZED, c.AVAILABLE)}
    conditions = [{"type": kind, "status": one.status} for kind, one in said.items() if one is not None]
    cluster = {**cluster, "status": {"conditions": conditions}}
    names = {name for machine in machines for name in secret_names(machine)}
    names |= {name for name in (registry_secret(cluster),) if name}
    secrets: list[Object] = []
    for name in sorted(names):
        known = env.cache.get(Ref(SECRET, namespace, name))
        if known is not None:
            secrets.append(
                {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": name, "namespace": namespace},
                    "type": known["type"],
                    "data": dict.fromkeys(known["keys"], "present"),
                }
            )
    others = [*_neighbours(env, machines), *_named(env, cluster)]
    return judge_cluster(cluster, machines, secrets, releases=tuple(env.bundles.versions()), others=others)


def warnings(judged: Iterable[Judged]) -> list[str]:
    """As kubectl shows them when the objects are applied, each once; a Machine's with its name."""
    lines = (
        f"Machine {one.name}: {notice}" if one.kind == "Machine" else str(notice)
        for one in judged
        for notice in one.verdict.notices
    )
    return list(dict.fromkeys(line[:WARNING_LIMIT] for line in lines))[:MOST_WARNINGS]


def _named(env: Environment, cluster: Object) -> list[Object]:
    """What the rules ask the platform for. The public registry's credential is not among it: whether it can be
    used is told by the source of images, so that an upload that is just being judged holds nothing up."""
    link = part(part(part(spec(cluster), "onPremises"), "monitoring"), "linkedCluster")
    namespace = str(link.get("namespace") or metadata(cluster)["namespace"])
    refs = [Ref(CLUSTER, namespace, str(link["name"]))] if link.get("name") else []
    known = [env.cache.get(ref) for ref in (*refs, Ref(CLUSTER, SYSTEM_NAMESPACE, GLOBAL_CLUSTER))]
    found = [{**obj, "kind": CLUSTER.kind} for obj in known if obj is not None]
    for resource in (FEATURE_GATE, PROJECT):
        found += [{**obj, "kind": resource.kind} for obj in env.cache.all(resource)]
    public = {"name": PUBLIC_REGISTRY_CREDENTIAL, "namespace": SYSTEM_NAMESPACE}
    return [*found, {"kind": "CloudCredential", "metadata": public, "status": {"valid": True}}]


def _neighbours(env: Environment, machines: list[Object]) -> list[Object]:
    """Machines of others that share an address; judging thousands of others would find no more."""
    own = {ref_of(MACHINE, machine) for machine in machines}
    found: dict[Ref, Object] = {}
    for address in {address for machine in machines for address in index_by_address(machine)}:
        for machine in env.cache.by(MACHINE, BY_ADDRESS, address):
            found.setdefault(ref_of(MACHINE, machine), machine)
    return [machine for ref, machine in found.items() if ref not in own]


async def _hold_secrets(env: Environment, machines: Iterable[Object]) -> None:
    """Secrets stay until their last user is gone; those that are not there are found by the rules."""
    named = {(metadata(machine)["namespace"], name) for machine in machines for name in secret_names(machine)}
    for namespace, name in sorted(named):
        ref = Ref(SECRET, namespace, name)
        known = env.cache.get(ref)
        if known is not None:
            await claims.claim_secret(env.api, ref, known)


def _twin(env: Environment, cluster: Object) -> str | None:
    own = cluster_id(cluster)
    for other in env.cache.by(CLUSTER, BY_ID, own) if own else []:
        ref, mine = ref_of(CLUSTER, other), ref_of(CLUSTER, cluster)
        older = (metadata(other)["creationTimestamp"], ref.namespace, ref.name)
        if ref != mine and older < (metadata(cluster)["creationTimestamp"], mine.namespace, mine.name):
            return f"{ref.namespace}/{ref.name}"
    return None


def _told(judged: list[Judged]) -> tuple[str, str]:
    """Reason and message: every error with its object and path."""
    found = [(one, error) for one in judged for error in one.verdict.errors]
    absent = all(error.reason == "FieldValueNotFound" for _, error in found)
    lines = [f"{one.kind} {one.name}: {error}" if one.kind != "Cluster" else str(error) for one, error in found]
    return ("ReferenceMissing" if absent else "Invalid"), "\n".join(lines)
