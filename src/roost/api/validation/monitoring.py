"""Rules for a Cluster's monitoring: what goes together, on which machines it runs, and whose instance it links to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from roost.api.v1alpha1.machine import Role
from roost.api.v1alpha1.onpremises import Monitoring, MonitoringDeployment, MonitoringType, OnPremises
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.shape import join
from roost.api.validation.world import KnownCluster, KnownMachine, World

PATH: Final = "spec.onPremises.monitoring"


def check_monitoring(
    namespace: str,
    name: str,
    wanted: OnPremises,
    machines: Sequence[KnownMachine],
    world: World,
    *,
    initialized: bool,
) -> Verdict:
    """`initialized`: the cluster runs; what it names and is gone meanwhile is told, and stops nothing."""
    found = wanted.monitoring
    if found is None:
        return Verdict()
    verdict = Verdict(_together(found))
    named = _machines(found, machines, complete=world.complete)
    if found.type is MonitoringType.VICTORIA_METRICS and found.deployment is MonitoringDeployment.AGENT_ONLY:
        named += _linked(namespace, name, found, world)
    if initialized and world.complete:
        return verdict + Verdict(notices=[*named.errors, *named.notices])
    return verdict + named


def _together(found: Monitoring) -> list[FieldError]:
    errors: list[FieldError] = []
    if found.type is MonitoringType.PROMETHEUS and found.deployment is not None:
        errors.append(error("monitoring.deployment", f"{PATH}.deployment", "FieldValueForbidden"))
    agent = found.type is MonitoringType.VICTORIA_METRICS and found.deployment is MonitoringDeployment.AGENT_ONLY
    if found.linked_cluster is not None and not agent:
        errors.append(error("monitoring.link.useless", f"{PATH}.linkedCluster", "FieldValueForbidden"))
    if found.linked_cluster is None and agent:
        errors.append(error("monitoring.link", f"{PATH}.linkedCluster", "FieldValueRequired"))
    return errors


def _machines(found: Monitoring, machines: Sequence[KnownMachine], *, complete: bool) -> Verdict:
    by_name = {machine.name: machine for machine in machines}
    verdict = Verdict()
    for number, name in enumerate(found.machines):
        path = join(PATH, "machines", number)
        machine = by_name.get(name)
        if name in found.machines[:number]:
            verdict += Verdict([error("monitoring.twice", path, "FieldValueDuplicate", given=name)])
        elif machine is None:
            absent = error("monitoring.absent", path, "FieldValueNotFound", given=name)
            verdict += Verdict([absent]) if complete else Verdict(notices=[absent])
        elif machine.role == Role.CONTROL_PLANE and not machine.allow_apps:
            verdict += Verdict([error("monitoring.plane", path, "FieldValueForbidden", given=name)])
        elif machine.role == Role.CONTROL_PLANE:
            verdict += Verdict(notices=[error("monitoring.busy", path, given=name)])
    return verdict


def _linked(namespace: str, name: str, found: Monitoring, world: World) -> Verdict:
    """Whether the author may use that Cluster is asked where the author is known: in the webhook."""
    link = found.linked_cluster
    if link is None:
        return Verdict()
    where = (link.namespace or namespace, link.name)
    path = f"{PATH}.linkedCluster"
    if where == (namespace, name):
        return Verdict([error("monitoring.itself", path, given=link.name)])
    other = next((c for c in world.clusters() if (c.namespace, c.name) == where), None)
    facts = {"given": link.name, "namespace": where[0]}
    if other is None:
        # A file does not hold what exists already; the platform knows.
        absent = error("monitoring.unknown", path, "FieldValueNotFound", **facts)
        return Verdict([absent]) if world.secrets_complete or not world.complete else Verdict(notices=[absent])
    if not _is_full(other):
        return Verdict([error("monitoring.other", path, "FieldValueInvalid", **facts)])
    return Verdict()


def _is_full(cluster: KnownCluster) -> bool:
    monitoring = cluster.on_premises.monitoring if cluster.on_premises else None
    return (
        monitoring is not None
        and monitoring.type is MonitoringType.VICTORIA_METRICS
        and monitoring.deployment is not MonitoringDeployment.AGENT_ONLY
        and not cluster.deleting
    )
