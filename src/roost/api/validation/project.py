"""Rules for a Project, and for a Cluster that wants to join one: it joins once it is Available."""

from __future__ import annotations

from roost.api.v1alpha1.project import Member, ProjectSpec
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.shape import join
from roost.api.validation.world import World


def check_wish(project: str | None, *, available: bool, world: World) -> Verdict:
    """spec.project of a Cluster."""
    if project is None:
        return Verdict()
    notices: list[FieldError] = []
    if world.project(project) is False:
        notices.append(error("project.absent", "spec.project", "FieldValueNotFound", given=project))
    if not available:
        notices.append(error("project.later", "spec.project", given=project))
    return Verdict(notices=notices)


def check_project(_namespace: str, _name: str, spec: ProjectSpec, world: World) -> Verdict:
    errors: list[FieldError] = []
    for number, member in enumerate(spec.members):
        errors += _member(member, join("spec.members", number), spec.members[:number])
    known = {(cluster.namespace, cluster.name): cluster for cluster in world.clusters()}
    for number, cluster in enumerate(spec.clusters):
        path = join("spec.clusters", number)
        where = {"namespace": cluster.namespace, "given": cluster.name}
        if cluster in spec.clusters[:number]:
            errors.append(error("project.twice", path, "FieldValueDuplicate", **where))
            continue
        found = known.get((cluster.namespace, cluster.name))
        if found is None:
            if not world.complete:
                errors.append(error("project.cluster.absent", path, "FieldValueNotFound", **where))
        elif found.is_global:
            errors.append(error("project.global", path, "FieldValueForbidden"))
        elif not found.available:
            errors.append(error("project.cluster.early", path, "FieldValueForbidden", **where))
    return Verdict(errors)


def _member(member: Member, path: str, before: list[Member]) -> list[FieldError]:
    if (member.user is None) == (member.group is None):
        return [error("member.one", path)]
    who = member.user or member.group or ""
    if who.startswith("system:"):
        return [error("member.system", path, "FieldValueForbidden", given=who)]
    if any((other.user, other.group) == (member.user, member.group) for other in before):
        return [error("member.twice", path, "FieldValueDuplicate", given=who)]
    return []
