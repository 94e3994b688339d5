"""Plan objects: what would be done, kept where people read it. Called by the cluster controller."""

from __future__ import annotations

from roost.api.names import FIELD_MANAGER
from roost.api.v1alpha1.plan import PlanSpec
from roost.controllers.claims import delete
from roost.controllers.kinds import PLAN, labels_for, owner_reference
from roost.controllers.runtime.api import Api, ApiProblem, Object, Ref, metadata


def plan_name(cluster: str, plan: PlanSpec) -> str:
    """One object per content, so that an approval names what was read."""
    return f"{cluster}-{plan.hash[:12]}"


def is_empty(plan: PlanSpec) -> bool:
    return not any(machine.changes for machine in plan.machines) and not plan.objects


async def write(api: Api, cluster: Object, plan: PlanSpec, *, former: str | None) -> str:
    """Writes the Plan, takes the `former` one away, and returns the name. A namespace that goes is no error."""
    meta = metadata(cluster)
    name = plan_name(meta["name"], plan)
    ref = Ref(PLAN, meta["namespace"], name)
    body: Object = {
        "apiVersion": PLAN.api_version,
        "kind": PLAN.kind,
        "metadata": {
            "name": name,
            "namespace": ref.namespace,
            "labels": labels_for(meta["name"]),
            "ownerReferences": [owner_reference(cluster)],
        },
        "spec": plan.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    try:
        await api.apply(ref, body, manager=FIELD_MANAGER)
    except ApiProblem as problem:
        if not (problem.code == 403 or problem.not_found):
            raise
    if former and former != name:
        await delete(api, Ref(PLAN, ref.namespace, former))
    return name
