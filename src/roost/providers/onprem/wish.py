"""One hash of everything that decides what is done to machines: spec, machines, bundle, registry. Pure.

It identifies a plan, and an act that runs on a machine: one of another wish is stopped, not followed.
"""

from __future__ import annotations

import hashlib
import json

from roost.providers.onprem.context import Context


def digest(ctx: Context) -> str:
    """Of everything that decides what will be done."""
    spec = ctx.spec.model_dump(
        mode="json", by_alias=True, exclude={"approval", "approved_plan", "paused", "display_name"}
    )
    machines = {
        machine.name: machine.spec.model_dump(mode="json", by_alias=True, exclude={"ssh", "display_name"})
        for machine in ctx.machines
        if not machine.deleting
    }
    registry = ctx.registry.address if ctx.registry else None
    content = json.dumps([ctx.cluster_id, ctx.bundle.digest, registry, spec, machines], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]
