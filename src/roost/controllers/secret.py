"""Lets Secrets go: one that no Machine in roost's care names any more loses roost's finalizer.

Taking the finalizer is the cluster controller's, before anything is done with the Secret (readiness).
"""

from __future__ import annotations

from roost.api.names import FINALIZER, IN_USE_FINALIZER
from roost.controllers import claims
from roost.controllers.environment import Environment
from roost.controllers.kinds import BY_SECRET, MACHINE, at
from roost.controllers.runtime.api import Ref, finalizers


class SecretController:
    def __init__(self, env: Environment) -> None:
        self._env = env

    async def reconcile(self, ref: Ref) -> float | None:
        env = self._env
        secret = env.cache.get(ref)
        if secret is None:
            env.secrets.forget(ref)
            return None
        if IN_USE_FINALIZER not in finalizers(secret):
            return None
        users = env.cache.by(MACHINE, BY_SECRET, at(ref.namespace, ref.name))
        if not any(FINALIZER in finalizers(machine) for machine in users):
            await claims.release(env.api, ref, secret, IN_USE_FINALIZER)
        return None
