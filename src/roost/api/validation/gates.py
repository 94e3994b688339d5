"""The features that can be switched, and the rule for a FeatureGate: its name is one of them."""

from __future__ import annotations

from typing import Final

from roost.api.v1alpha1.featuregate import FeatureGateSpec
from roost.api.validation.findings import Verdict, error
from roost.api.validation.shape import like
from roost.api.validation.texts import Term
from roost.api.validation.world import World

CRI_DOCKER: Final = "cri-docker"
GATES: Final[dict[str, Term]] = {
    CRI_DOCKER: Term("Docker can be chosen as the container runtime", "可以选择 Docker 作为容器运行时"),
}
"""Name and what it opens; all are off until somebody enables them."""


def check_gate(_namespace: str, name: str, _spec: FeatureGateSpec, _world: World) -> Verdict:
    if name in GATES:
        return Verdict()
    guess = like(name, GATES)
    right = guess or ", ".join(GATES)
    return Verdict([error("gate.unknown", "metadata.name", "FieldValueNotSupported", given=name, right=right)])
