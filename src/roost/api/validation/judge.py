"""The one entry to the rules: `validate` for one object that is created or changed, `validate_deletion`.

Called by admission/review.py for each request, by documents.py for a set of files, and through that by
the controllers as the last word. On an update only what changed is judged: a rule that an object
already broke when it was stored (by an older release, or because the world changed) does not keep
people from changing something else about it; an object that is being deleted always passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from pydantic import BaseModel

from roost.api.names import GLOBAL_CLUSTER, ID_ANNOTATION, SYSTEM_NAMESPACE
from roost.api.registry import kind as kind_named
from roost.api.v1alpha1.cloudcredential import CloudCredentialSpec
from roost.api.v1alpha1.cluster import ClusterSpec
from roost.api.v1alpha1.featuregate import FeatureGateSpec
from roost.api.v1alpha1.kubernetesrelease import KubernetesReleaseSpec
from roost.api.v1alpha1.machine import MachineSpec
from roost.api.v1alpha1.machinecheck import MachineCheckSpec
from roost.api.v1alpha1.machinedraft import MachineDraftSpec
from roost.api.v1alpha1.plan import PlanSpec
from roost.api.v1alpha1.project import ProjectSpec
from roost.api.validation.cluster import check_cluster
from roost.api.validation.findings import FieldError, Verdict, error
from roost.api.validation.frozen import check_frozen
from roost.api.validation.gates import check_gate
from roost.api.validation.machine import check_machine, check_new_member
from roost.api.validation.project import check_project
from roost.api.validation.shape import check_shape, parsed
from roost.api.validation.smallkinds import check_check, check_credential, check_draft
from roost.api.validation.texts import Term
from roost.api.validation.versions import PATH as VERSION
from roost.api.validation.versions import check_version
from roost.api.validation.world import World, is_deleting, key_of

Json = Mapping[str, Any]


def _nothing_more(_namespace: str, _name: str, _spec: Any, _world: World) -> Verdict:
    return Verdict()


@dataclass(frozen=True)
class _Rules:
    spec: type[BaseModel]
    check: Callable[[str, str, Any, World], Verdict]
    written_by_roost: Term | None = None
    """For kinds that people only read: what to do instead."""
    optional: bool = False
    """The spec may be left out."""


WAYS: Final = ("onPremises", "imported", "registered", "global")

RULES: Final[Mapping[str, _Rules]] = {
    "Cluster": _Rules(ClusterSpec, check_cluster),
    "Machine": _Rules(MachineSpec, check_machine),
    "Plan": _Rules(
        PlanSpec,
        _nothing_more,
        Term(
            "to approve one, write its hash into spec.approvedPlan of the Cluster",
            "要批准计划，请将其哈希写入集群的 spec.approvedPlan",
        ),
    ),
    "MachineCheck": _Rules(MachineCheckSpec, check_check),
    "MachineDraft": _Rules(MachineDraftSpec, check_draft),
    "CloudCredential": _Rules(CloudCredentialSpec, check_credential),
    "Project": _Rules(ProjectSpec, check_project, optional=True),
    "FeatureGate": _Rules(FeatureGateSpec, check_gate, optional=True),
    "KubernetesRelease": _Rules(
        KubernetesReleaseSpec,
        _nothing_more,
        Term(
            "`roost bundle create` or `roost bundle import` brings one",
            "请用 `roost bundle create` 或 `roost bundle import` 添加",
        ),
    ),
}


def validate(kind: str, new: Json, old: Json | None, world: World) -> Verdict:
    """The verdict on one object as a person wrote it. `old`: as it is stored, None when it is created.

    Raises KeyError for a kind that is not roost's.
    """
    if is_deleting(new):
        return Verdict()
    rules = RULES[kind]
    given = new.get("spec")
    # Where nothing in it is required, an object without spec is one with the defaults.
    spec, shape = check_shape(rules.spec, {} if given is None and rules.optional else given, "spec")
    shape = _better_words(shape, new, world)
    if old is None:
        return _created(kind, rules, new, spec, shape, world)
    return _changed(kind, rules, new, spec, shape, old, world)


def validate_deletion(kind: str, old: Json) -> Verdict:
    """Only the Cluster that stands for the platform can't be deleted."""
    if kind == "Cluster" and key_of(old) == (SYSTEM_NAMESPACE, GLOBAL_CLUSTER):
        return Verdict([error("global.delete", "", "FieldValueForbidden")])
    return Verdict()


def _created(
    kind: str, rules: _Rules, new: Json, spec: BaseModel | None, shape: list[FieldError], world: World
) -> Verdict:
    namespace, name = key_of(new)
    verdict = Verdict([*_named(kind, new), *shape])
    if rules.written_by_roost is not None:
        return verdict + Verdict([_not_yours(kind, rules.written_by_roost)])
    if ID_ANNOTATION in _annotations(new):
        path = f"metadata.annotations[{ID_ANNOTATION}]"
        verdict += Verdict([error("id.own", path, "FieldValueForbidden", annotation=ID_ANNOTATION)])
    if spec is None:
        return verdict
    if isinstance(spec, MachineSpec):
        cluster = next((c for c in world.clusters() if (c.namespace, c.name) == (namespace, spec.cluster_name)), None)
        verdict += Verdict(check_new_member(cluster, spec.cluster_name))
    return verdict + _but(rules.check(namespace, name, spec, world), shape)


def _changed(
    kind: str,
    rules: _Rules,
    new: Json,
    spec: BaseModel | None,
    shape: list[FieldError],
    old: Json,
    world: World,
) -> Verdict:
    errors: list[FieldError] = []
    had, has = _annotations(old).get(ID_ANNOTATION), _annotations(new).get(ID_ANNOTATION)
    if had is not None and has != had:
        path = f"metadata.annotations[{ID_ANNOTATION}]"
        errors.append(error("id.frozen", path, "FieldValueForbidden", annotation=ID_ANNOTATION, right=had))
    if new.get("spec") == old.get("spec"):
        return Verdict(errors)
    if rules.written_by_roost is not None:
        return Verdict([*errors, _not_yours(kind, rules.written_by_roost)])
    before, former = check_shape(rules.spec, old.get("spec"), "spec")
    errors += _news(shape, former, new, old)
    if spec is None:
        return Verdict(errors)
    if isinstance(spec, ClusterSpec):
        way = _way_of(old)
        if way is not None and way != _way_of(new):
            return Verdict([*errors, error("way.frozen", "spec", "FieldValueForbidden")])
        if spec.global_ is not None:
            return Verdict([*errors, error("global.written", "spec.global", "FieldValueForbidden")])
    namespace, name = key_of(new)
    now = _but(rules.check(namespace, name, spec, world), shape)
    then = rules.check(namespace, name, before, world) if before is not None else Verdict()
    frozen_now = check_frozen(rules.spec, old, spec, before or parsed(rules.spec, old.get("spec")))
    errors += _but(Verdict(frozen_now), shape).errors
    frozen = {found.path for found in errors}
    errors += [found for found in _news(now.errors, then.errors, new, old) if found.path not in frozen]
    return Verdict(errors, _news(now.notices, then.notices, new, old))


def _but(verdict: Verdict, shape: list[FieldError]) -> Verdict:
    """Without what is said about fields whose shape is wrong already."""
    told = {found.path for found in shape}
    return Verdict(
        [found for found in verdict.errors if found.path not in told],
        [found for found in verdict.notices if found.path not in told],
    )


def _better_words(shape: list[FieldError], new: Json, world: World) -> list[FieldError]:
    """For a version in another form, the version that was meant instead of how one is written."""
    given = value_at(new, VERSION)
    if not isinstance(given, str) or not any(
        found.path == VERSION and found.key == "shape.pattern" for found in shape
    ):
        return shape
    return [*(found for found in shape if found.path != VERSION), *check_version(given, world.releases())]


def _news(now: list[FieldError], then: list[FieldError], new: Json, old: Json) -> list[FieldError]:
    """Findings that the change brought: not there before, or at a value that changed."""
    known = {(found.path, found.message) for found in then}
    return [
        found
        for found in now
        if (found.path, found.message) not in known
        or (value_at(new, found.path) != value_at(old, found.path) and not _is_group(value_at(new, found.path)))
    ]


def _is_group(value: object) -> bool:
    """A finding at a group of fields is about the whole; a change of any field in it is no change of that."""
    return isinstance(value, Mapping)


def value_at(document: Json, path: str) -> object:
    """What stands at a path such as spec.a[0].b or spec.m[some-key]; None when nothing does."""
    at: object = document
    for name, bracketed in re.findall(r"([^.\[\]]+)|\[([^\]]*)\]", path):
        if bracketed and isinstance(at, list):
            items = cast("list[object]", at)
            at = items[int(bracketed)] if bracketed.isdigit() and int(bracketed) < len(items) else None
        elif isinstance(at, Mapping):
            at = cast("Json", at).get(bracketed or name)
        else:
            return None
    return at


def _not_yours(kind: str, instead: Term) -> FieldError:
    return error("written.by.roost", "", "FieldValueForbidden", kind=kind, instead=instead)


def _named(kind: str, new: Json) -> list[FieldError]:
    metadata = cast("Json", new.get("metadata") or {})
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        # The API server fills generateName in before it asks.
        return [] if metadata.get("generateName") else [error("name.required", "metadata.name", "FieldValueRequired")]
    likely = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-") or "demo"
    if kind == "Cluster" and not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name):
        return [error("name.label", "metadata.name", given=name, right=likely)]
    label = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    if kind == "Machine" and (len(name) > 63 or not re.fullmatch(rf"{label}(\.{label})*", name)):
        return [error("name.subdomain", "metadata.name", given=name, right=likely)]
    return []


def _annotations(document: Json) -> Json:
    metadata = cast("Json", document.get("metadata") or {})
    return cast("Json", metadata.get("annotations") or {})


def _way_of(document: Json) -> str | None:
    spec = cast("Json", document.get("spec") or {})
    return next((way for way in WAYS if spec.get(way) is not None), None)


def is_known(kind: str) -> bool:
    """Whether the kind is one of roost's."""
    try:
        kind_named(kind)
    except KeyError:
        return False
    return True
