"""Keeps the most recent MachineDraft of each user in a namespace; older ones are deleted."""

from __future__ import annotations

from collections.abc import Iterable

from roost.controllers import claims
from roost.controllers.environment import Environment
from roost.controllers.kinds import BY_OWNER, MACHINE_DRAFT, index_by_owner
from roost.controllers.runtime.api import Object, Ref, metadata, ref_of


class MachineDraftController:
    def __init__(self, env: Environment) -> None:
        self._env = env

    async def reconcile(self, ref: Ref) -> float | None:
        draft = self._env.cache.get(ref)
        if draft is None:
            return None
        for owner in index_by_owner(draft):
            for old in superseded(self._env.cache.by(MACHINE_DRAFT, BY_OWNER, owner)):
                await claims.delete(self._env.api, old)
        return None


def superseded(drafts: Iterable[Object]) -> list[Ref]:
    """All but the one that was created last; of two in the same second, the one that sorts last stays. Pure."""
    ordered = sorted(drafts, key=lambda draft: (metadata(draft)["creationTimestamp"], metadata(draft)["name"]))
    return [ref_of(MACHINE_DRAFT, draft) for draft in ordered[:-1]]
