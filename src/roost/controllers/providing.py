"""The seam between controllers and a way of making clusters; providers.onprem.provider is the first.

`run` injects the provider, so that tests drive the controllers with a scripted one. A module whose
functions have these signatures is a provider.

Rules of the seam:

- Every call is level-triggered and may be cancelled at any await; what already runs on a machine goes on
  and is joined by the next call.
- `reconcile` reports its conditions before it raises `RetryLater` or `PermanentFailure`. When
  `ctx.approve(plan)` is false it changes nothing and raises `PermanentFailure(AWAITING_APPROVAL, …)`.
- `remove` and `destroy` try every machine before they raise. A machine that is as it was before roost is
  reported as `machine(name, DELETING, "False", SUCCEEDED)`, and only such a machine is let go; any other is
  reported as `machine(name, DELETING, "True", REASON, message)`.
- `look_after` is called every ten seconds or so while a cluster is Available. It talks to the managed
  cluster's API only: it reports `READY` of each machine, approves kubelet serving certificates, and
  renews roost's own client certificate when that is due.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from roost.api.v1alpha1.plan import PlanSpec
from roost.providers.onprem.context import Context, Outcome


class Provider(Protocol):
    async def reconcile(self, ctx: Context) -> Outcome:
        """Bring the cluster to its spec; everything in `ctx.machines` that is not `deleting` belongs to it."""
        ...

    async def plan(self, ctx: Context) -> PlanSpec:
        """Preflight, observe, compare. Writes nothing outside /run of the machines."""
        ...

    async def remove(self, ctx: Context, names: Sequence[str]) -> None:
        """Take these machines out of a cluster that stays: drain, delete the Node, undo."""
        ...

    async def destroy(self, ctx: Context) -> None:
        """Undo on all of `ctx.machines` in parallel. The bundle in `ctx` may be an empty one."""
        ...

    async def look_after(self, ctx: Context) -> Outcome:
        """Follow the Nodes of a running cluster. Raises RetryLater when its API does not answer."""
        ...
