"""The features that can be switched, and the rule for a FeatureGate: its name is one of them."""

from __future__ import annotations

from typing import Final

from roost.api.v1alpha1.featuregate import FeatureGateSpec
from roost.api.v1alpha1.onpremises import RuntimeType
from roost.api.validation.findings import Verdict, error
from roost.api.validation.shape import like
from roost.api.validation.texts import Term
from roost.api.validation.world import KnownCluster, World

CRI_DOCKER: Final = "cri-docker"
GATES: Final[dict[str, Term]] = {
    CRI_DOCKER: Term("Docker can be chosen as the container runtime", "可以选择 Docker 作为容器运行时"),
}
"""Name and what it opens; all are off until somebody enables them."""


def uses(cluster: KnownCluster) -> bool:
    """Whether a Cluster runs Docker, the one thing that a gate opens."""
    wish = cluster.on_premises
    return wish is not None and not cluster.deleting and wish.runtime.type is RuntimeType.DOCKER


def check_gate(_namespace: str, name: str, spec: FeatureGateSpec, world: World) -> Verdict:
    """A closed gate stops nothing that runs: whoever closes it is told what goes on."""
    if name in GATES:
        users = [] if spec.enabled else sorted(f"{one.namespace}/{one.name}" for one in world.clusters() if uses(one))
        if not users:
            return Verdict()
        return Verdict(notices=[error("gate.used", "spec.enabled", clusters=", ".join(users), gate=name)])
    guess = like(name, GATES)
    right = guess or ", ".join(GATES)
    return Verdict([error("gate.unknown", "metadata.name", "FieldValueNotSupported", given=name, right=right)])
