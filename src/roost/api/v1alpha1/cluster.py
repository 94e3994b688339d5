"""Cluster: a Kubernetes cluster that roost made or looks after. Read first by a newcomer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from roost.api.conditions import CONTROL_PLANE_INITIALIZED
from roost.api.markers import Frozen, Says, cel
from roost.api.model import Condition, Model, Name, ObjectMeta, Status
from roost.api.names import API_VERSION
from roost.api.v1alpha1.attached import Imported, Profile, Registered, RegistrationApproval
from roost.api.v1alpha1.onpremises import (
    Endpoint,
    IPFamily,
    Monitoring,
    MonitoringDeployment,
    MonitoringType,
    Network,
    NetworkPlugin,
    NodeNameSource,
    OnPremises,
    Registry,
    RegistryType,
    Runtime,
    RuntimeType,
    TransmitMode,
)

KubernetesVersion = Annotated[
    str,
    StringConstraints(pattern=r"^1\.[0-9]{1,2}\.[0-9]{1,3}$", min_length=1, max_length=16),
    Says("version", "a version is written in full and without v, such as 1.31.4"),
]
ClusterAnnotations = Annotated[
    dict[Annotated[str, StringConstraints(max_length=317)], Annotated[str, StringConstraints(max_length=4096)]],
    Field(max_length=64),
    Frozen(
        key="annotations",
        because="components of the cluster read them from its creation on; "
        "delete the cluster and create it again with the other ones",
    ),
]


class Approval(StrEnum):
    AUTOMATIC = "Automatic"
    MANUAL = "Manual"


class Global(Model):
    """Marks the one Cluster that stands for the platform itself; roost writes it, nobody else can."""


class ClusterSpec(Model):
    """Exactly one of the ways a cluster comes to be, and what all of them share."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "[has(self.onPremises), has(self.imported), has(self.registered), has(self.global)]"
                ".filter(way, way).size() == 1",
                "exactly one of onPremises, imported and registered must be given",
            ),
            (
                "!has(self.onPremises) || has(self.version)",
                "version is required with onPremises; `kubectl get kubernetesreleases` lists what can be installed",
            ),
            (
                "has(self.onPremises) == has(oldSelf.onPremises) && has(self.imported) == has(oldSelf.imported) "
                "&& has(self.registered) == has(oldSelf.registered)",
                "the way a cluster came to be can't be changed; create another Cluster",
            ),
        )
    )

    display_name: str | None = Field(default=None, max_length=253, description="Name for people.")
    version: Annotated[
        KubernetesVersion | None,
        Frozen(
            key="version",
            after=CONTROL_PLANE_INITIALIZED,
            because="upgrades are not implemented yet; create a new cluster with the other version "
            "and move the workload there",
        ),
    ] = Field(default=None, description="Kubernetes version, such as 1.31.4; required for onPremises.")
    paused: bool = Field(default=False, description="Only preflight and plan; nothing is changed on machines.")
    approval: Approval = Field(
        default=Approval.AUTOMATIC, description="Manual: a plan is carried out once approvedPlan names its hash."
    )
    approved_plan: str | None = Field(default=None, max_length=128, description="Hash of the plan to carry out.")
    annotations: ClusterAnnotations = Field(
        default_factory=dict,
        json_schema_extra={"default": {}},
        description="Annotations of the cluster: copied to the metadata of this object and to the ConfigMap "
        "kube-system/cluster-annotations in the cluster, for its components to read.",
    )
    project: Name | None = Field(default=None, description="The Project that the cluster joins once it is Available.")
    on_premises: OnPremises | None = Field(default=None, description="Made by roost over SSH on Machines.")
    imported: Imported | None = Field(default=None, description="Exists already; the platform reaches its API.")
    registered: Registered | None = Field(
        default=None, description="Exists already; its agent dials out to the platform."
    )
    global_: Annotated[
        Global | None,
        Frozen(key="global", because="only roost writes the Cluster that stands for the platform"),
    ] = Field(default=None, alias="global", description="The platform itself. Read-only.")


class Retry(Status):
    """How a failed step goes on."""

    attempt: int = Field(default=0, ge=0, description="How often the step was tried since it last succeeded.")
    next_time: datetime | None = Field(default=None, description="When it is tried again.")


class NodeCount(Status):
    """How many Nodes there are."""

    ready: int = Field(default=0, ge=0, description="Nodes that are Ready.")
    total: int = Field(default=0, ge=0, description="Nodes that the cluster has, or shall have.")


class Resources(Status):
    """Amounts, as Kubernetes writes them."""

    cpu: str | None = Field(default=None, max_length=64, description="Processors, such as 12 or 1500m.")
    memory: str | None = Field(default=None, max_length=64, description="Memory, such as 48Gi.")
    pods: int | None = Field(default=None, ge=0, description="Pods.")


class Certificate(Status):
    """A certificate that the cluster or its platform relies on."""

    name: str = Field(max_length=253, description="Such as apiserver or front-proxy-client.")
    expires: datetime = Field(description="When it is no longer valid.")


class Agent(Status):
    """The agent of a registered cluster."""

    version: str | None = Field(default=None, max_length=64, description="Version of the agent.")
    connected: bool = Field(default=False, description="Whether its tunnel is up.")
    last_seen: datetime | None = Field(default=None, description="When it was last connected.")
    fingerprint: str | None = Field(
        default=None, max_length=128, description="SHA-256 of the certificate that the agent signs in with."
    )


class ClusterStatus(Status):
    """Computed from the conditions and from what was observed; read by nothing in roost."""

    phase: str | None = Field(
        default=None,
        max_length=64,
        description="Summary for people: Creating, Running, Updating, Failed, Deleting, …",
    )
    message: str | None = Field(default=None, max_length=32768, description="What is going on, in one line.")
    observed_generation: int | None = Field(
        default=None, ge=0, description="Generation of the spec that this status tells about."
    )
    id: str | None = Field(
        default=None, max_length=64, description="Immutable id, as in the annotation cluster.alauda.io/id."
    )
    uid: str | None = Field(
        default=None,
        max_length=64,
        description="UID of the cluster's namespace kube-system, which names it for good.",
    )
    version: str | None = Field(
        default=None, max_length=64, description="Kubernetes version that the API server answers with."
    )
    endpoint: str | None = Field(default=None, max_length=512, description="URL of the cluster's API.")
    addresses: list[Annotated[str, StringConstraints(max_length=320)]] = Field(
        default_factory=list,
        max_length=64,
        description="Of the Cluster global: where others reach the platform's gateway, each as host:port.",
    )
    nodes: NodeCount | None = Field(default=None, description="How many Nodes there are.")
    capacity: Resources | None = Field(default=None, description="What the Nodes offer together.")
    usage: Resources | None = Field(default=None, description="What is requested or used of it.")
    certificates: list[Certificate] = Field(
        default_factory=list, max_length=64, description="Certificates and when they expire."
    )
    agent: Agent | None = Field(default=None, description="The agent of a registered cluster.")
    warnings: list[Annotated[str, StringConstraints(max_length=4096)]] = Field(
        default_factory=list, max_length=64, description="What is allowed and still worth knowing."
    )
    retry: Retry | None = Field(default=None, description="How a failed step goes on.")
    plan_name: str | None = Field(default=None, max_length=253, description="The Plan that is next.")
    plan_hash: str | None = Field(
        default=None, max_length=128, description="Its hash, which spec.approvedPlan names to approve it."
    )
    started_time: datetime | None = Field(default=None, description="When the creation began.")
    available_time: datetime | None = Field(default=None, description="When the cluster first became Available.")
    conditions: list[Condition] = Field(
        default_factory=list, max_length=64, description="One condition per phase, and Available."
    )


class Cluster(Model):
    """A Kubernetes cluster that roost made or looks after."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')",
                "the name of a Cluster is a DNS label: at most 63 of a-z, 0-9 and -, without dots",
            ),
        )
    )

    api_version: Literal["cluster.alauda.io/v1alpha1"] = Field(default=API_VERSION, description="Group and version.")
    kind: Literal["Cluster"] = Field(default="Cluster", description="The kind.")
    metadata: ObjectMeta = Field(description="Name, namespace, labels and annotations.")
    spec: ClusterSpec = Field(description="What is wanted.")
    status: ClusterStatus | None = Field(default=None, description="What was found; written by roost.")


__all__ = [
    "Approval",
    "Cluster",
    "ClusterSpec",
    "ClusterStatus",
    "Endpoint",
    "IPFamily",
    "Imported",
    "Monitoring",
    "MonitoringDeployment",
    "MonitoringType",
    "Name",
    "Network",
    "NetworkPlugin",
    "NodeNameSource",
    "OnPremises",
    "Profile",
    "Registered",
    "RegistrationApproval",
    "Registry",
    "RegistryType",
    "Runtime",
    "RuntimeType",
    "TransmitMode",
]
