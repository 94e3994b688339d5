"""Makes a FeatureGate, off, for each feature that roost knows; whoever may, switches it. Never switched back."""

from __future__ import annotations

from roost.api.names import FIELD_MANAGER
from roost.api.validation.gates import GATES
from roost.controllers.environment import Environment
from roost.controllers.kinds import FEATURE_GATE
from roost.controllers.runtime.api import ApiProblem, Object, Ref


class FeatureGateController:
    def __init__(self, env: Environment) -> None:
        self._env = env

    async def ensure(self) -> None:
        for name in GATES:
            if self._env.cache.get(Ref(FEATURE_GATE, "", name)) is None:
                try:
                    await self._env.api.create(FEATURE_GATE, feature_gate(name))
                except ApiProblem as problem:
                    if not problem.conflict:
                        raise


def feature_gate(name: str) -> Object:
    return {
        "apiVersion": FEATURE_GATE.api_version,
        "kind": FEATURE_GATE.kind,
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": FIELD_MANAGER}},
        "spec": {"enabled": False},
    }
