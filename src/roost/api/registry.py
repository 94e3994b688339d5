"""Every kind that roost serves. Everything generic (CRDs, docs, clients, completion) walks this list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel

from roost.api.v1alpha1.cloudcredential import CloudCredential
from roost.api.v1alpha1.cluster import Cluster
from roost.api.v1alpha1.featuregate import FeatureGate
from roost.api.v1alpha1.kubernetesrelease import KubernetesRelease
from roost.api.v1alpha1.machine import Machine
from roost.api.v1alpha1.machinecheck import MachineCheck
from roost.api.v1alpha1.machinedraft import MachineDraft
from roost.api.v1alpha1.plan import Plan
from roost.api.v1alpha1.project import Project


@dataclass(frozen=True)
class Column:
    """A printer column of `kubectl get`."""

    name: str
    type: Literal["string", "integer", "date", "boolean"]
    json_path: str
    priority: int = 0


@dataclass(frozen=True)
class Kind:
    model: type[BaseModel]
    plural: str
    singular: str
    scope: Literal["Namespaced", "Cluster"]
    short_names: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    has_status: bool = True

    @property
    def name(self) -> str:
        return self.model.__name__


AGE = Column("Age", "date", ".metadata.creationTimestamp")

KINDS: Final[tuple[Kind, ...]] = (
    Kind(
        model=Cluster,
        plural="clusters",
        singular="cluster",
        scope="Namespaced",
        short_names=("cl",),
        columns=(
            Column("Phase", "string", ".status.phase"),
            Column("Version", "string", ".status.version"),
            Column("Ready", "integer", ".status.nodes.ready"),
            Column("Nodes", "integer", ".status.nodes.total"),
            Column("Endpoint", "string", ".status.endpoint", priority=1),
            Column("Display Name", "string", ".spec.displayName", priority=1),
            Column("Message", "string", ".status.message"),
            AGE,
        ),
    ),
    Kind(
        model=Machine,
        plural="machines",
        singular="machine",
        scope="Namespaced",
        short_names=("ma",),
        columns=(
            Column("Cluster", "string", ".spec.clusterName"),
            Column("Role", "string", ".spec.role"),
            Column("Address", "string", ".spec.addresses.ipv4"),
            Column("Phase", "string", ".status.phase"),
            Column("Node", "string", ".status.nodeName", priority=1),
            Column("Display Name", "string", ".spec.displayName", priority=1),
            Column("Message", "string", ".status.message"),
            AGE,
        ),
    ),
    Kind(
        model=Plan,
        plural="plans",
        singular="plan",
        scope="Namespaced",
        columns=(
            Column("Cluster", "string", ".spec.clusterName"),
            Column("Hash", "string", ".spec.hash"),
            AGE,
        ),
        has_status=False,
    ),
    Kind(
        model=KubernetesRelease,
        plural="kubernetesreleases",
        singular="kubernetesrelease",
        scope="Cluster",
        short_names=("kr",),
        columns=(
            Column("Version", "string", ".spec.version"),
            Column("Recommended", "boolean", ".spec.recommended"),
            AGE,
        ),
        has_status=False,
    ),
    Kind(
        model=MachineCheck,
        plural="machinechecks",
        singular="machinecheck",
        scope="Namespaced",
        short_names=("mc",),
        columns=(
            Column("OK", "boolean", ".status.ok"),
            Column("Reason", "string", ".status.reason"),
            Column("Message", "string", ".status.message"),
            AGE,
        ),
    ),
    Kind(
        model=MachineDraft,
        plural="machinedrafts",
        singular="machinedraft",
        scope="Namespaced",
        columns=(Column("Owner", "string", ".spec.owner"), AGE),
        has_status=False,
    ),
    Kind(
        model=CloudCredential,
        plural="cloudcredentials",
        singular="cloudcredential",
        scope="Namespaced",
        short_names=("cc",),
        columns=(
            Column("Type", "string", ".spec.type"),
            Column("Valid", "boolean", ".status.valid"),
            Column("Expires", "date", ".status.expires"),
            Column("Message", "string", ".status.message"),
            AGE,
        ),
    ),
    Kind(
        model=Project,
        plural="projects",
        singular="project",
        scope="Cluster",
        columns=(Column("Display Name", "string", ".spec.displayName"), AGE),
    ),
    Kind(
        model=FeatureGate,
        plural="featuregates",
        singular="featuregate",
        scope="Cluster",
        short_names=("fg",),
        columns=(Column("Enabled", "boolean", ".spec.enabled"), AGE),
        has_status=False,
    ),
)


def kind(name: str) -> Kind:
    """The kind called `name` (Cluster, Machine, …). Raises KeyError."""
    for known in KINDS:
        if known.name == name:
            return known
    raise KeyError(name)
