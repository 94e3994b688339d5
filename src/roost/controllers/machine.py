"""Reconciles Machines by themselves: those without a Cluster. What belongs to a Cluster is the cluster
controller's, so that one job at a time acts for a Cluster.
"""

from __future__ import annotations

from roost.api import conditions as c
from roost.api.names import FINALIZER
from roost.controllers.environment import Environment
from roost.controllers.kinds import MACHINE, cluster_of
from roost.controllers.removal import Removal
from roost.controllers.runtime.api import Ref, deleting, finalizers, generation


class MachineController:
    def __init__(self, env: Environment) -> None:
        self._env = env
        self._removal = Removal(env)

    async def reconcile(self, ref: Ref) -> float | None:
        env = self._env
        machine = env.cache.get(ref)
        if machine is None:
            env.status.forget(ref)
            await env.disconnect(ref.name)
            return None
        owner = cluster_of(machine)
        if env.cache.get(owner) is not None:
            return None
        if deleting(machine):
            if FINALIZER in finalizers(machine):
                await self._removal.orphan(machine)
            return None
        env.status.adopt(MACHINE, machine)
        env.status.say(
            ref,
            c.REACHABLE,
            "Unknown",
            c.WAITING,
            f"Cluster {owner.namespace}/{owner.name} does not exist yet; create it",
            generation=generation(machine),
        )
        return None
