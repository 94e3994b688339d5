"""Cluster: a Kubernetes cluster that roost made or looks after. Read first by a newcomer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from roost.api.model import Condition, Model, Name, ObjectMeta, Status
from roost.api.names import API_VERSION

KubernetesVersion = Annotated[str, StringConstraints(pattern=r"^1\.\d+\.\d+$", max_length=16)]
CIDR = Annotated[str, StringConstraints(max_length=64, min_length=1)]
ExtraArgs = dict[
    Annotated[str, StringConstraints(max_length=253)], Annotated[str, StringConstraints(max_length=4096)]
]


class Approval(StrEnum):
    AUTOMATIC = "Automatic"
    MANUAL = "Manual"


class NetworkPlugin(StrEnum):
    FLANNEL = "Flannel"
    CUSTOM = "Custom"


class NodeNameSource(StrEnum):
    IP = "IP"
    HOSTNAME = "Hostname"


class Endpoint(Model):
    """Where the cluster's API is reached by its machines and by the platform."""

    host: str = Field(
        min_length=1,
        max_length=253,
        description="IP address or domain name of the API. An address of the only control plane is allowed.",
    )
    port: int = Field(default=6443, ge=1, le=65535, description="Port of the API.")


class Network(Model):
    """The container network. Immutable after creation has begun on the machines."""

    plugin: NetworkPlugin = Field(
        default=NetworkPlugin.FLANNEL,
        description="Network plugin that is installed; Custom installs none.",
    )
    pod_cidr: CIDR = Field(default="10.16.0.0/16", alias="podCIDR", description="Addresses of Pods (cluster CIDR).")
    service_cidr: CIDR = Field(
        default="10.112.0.0/12", alias="serviceCIDR", description="Addresses of Services of type ClusterIP."
    )
    ips_per_node: int | None = Field(
        default=None,
        ge=16,
        le=4096,
        alias="ipsPerNode",
        description="Most Pod addresses of one node, a power of two; with Flannel 256 when it is not given. "
        "The number of nodes that fit is the size of podCIDR divided by it.",
    )
    dns_domain: str = Field(default="cluster.local", max_length=253, description="Domain of Service names.")


class OnPremises(Model):
    """A cluster that roost makes over SSH on Machines that name it."""

    control_plane_endpoint: Endpoint = Field(description="Address of the cluster's API.")
    network: Network = Field(default_factory=Network, description="The container network.")
    node_name: NodeNameSource = Field(
        default=NodeNameSource.HOSTNAME,
        description="What Nodes are called: the Machine's IPv4 address or the machine's host name.",
    )
    kubelet_extra_args: ExtraArgs = Field(
        default_factory=dict, description="Further kubelet flags, without dashes; a key here wins over a default."
    )
    controller_manager_extra_args: ExtraArgs = Field(
        default_factory=dict, description="Further kube-controller-manager flags."
    )
    scheduler_extra_args: ExtraArgs = Field(default_factory=dict, description="Further kube-scheduler flags.")
    api_server_extra_args: ExtraArgs = Field(default_factory=dict, description="Further kube-apiserver flags.")
    public_alternative_names: list[Annotated[str, StringConstraints(min_length=1, max_length=253)]] = Field(
        default_factory=list,
        max_length=64,
        description="Further addresses or names in the API server's certificate.",
    )


class Global(Model):
    """Marks the one Cluster that stands for the platform itself; roost writes it, nobody else can."""


class ClusterSpec(Model):
    """Exactly one of the ways a cluster comes to be, and what all of them share."""

    display_name: str | None = Field(default=None, max_length=253, description="Name for people.")
    version: KubernetesVersion | None = Field(
        default=None, description="Kubernetes version, such as 1.31.4; required for onPremises."
    )
    paused: bool = Field(default=False, description="Only preflight and plan; nothing is changed on machines.")
    approval: Approval = Field(
        default=Approval.AUTOMATIC, description="Manual: a plan is carried out once approvedPlan names its hash."
    )
    approved_plan: str | None = Field(default=None, max_length=128, description="Hash of the plan to carry out.")
    on_premises: OnPremises | None = Field(default=None, description="Made by roost over SSH on Machines.")
    global_: Global | None = Field(default=None, alias="global", description="The platform itself. Read-only.")


class Retry(Status):
    """How a failed step goes on."""

    attempt: int = 0
    next_time: datetime | None = None


class NodeCount(Status):
    ready: int = 0
    total: int = 0


class ClusterStatus(Status):
    """Computed from the conditions and from what was observed; read by nothing in roost."""

    phase: str | None = None
    message: str | None = None
    observed_generation: int | None = None
    version: str | None = None
    endpoint: str | None = None
    nodes: NodeCount | None = None
    retry: Retry | None = None
    plan_name: str | None = None
    plan_hash: str | None = None
    started_time: datetime | None = None
    available_time: datetime | None = None
    conditions: list[Condition] = Field(default_factory=list)


class Cluster(Model):
    """A Kubernetes cluster."""

    api_version: Literal["cluster.alauda.io/v1alpha1"] = API_VERSION
    kind: Literal["Cluster"] = "Cluster"
    metadata: ObjectMeta
    spec: ClusterSpec
    status: ClusterStatus | None = None


__all__ = [
    "Approval",
    "Cluster",
    "ClusterSpec",
    "ClusterStatus",
    "Name",
    "NetworkPlugin",
    "NodeNameSource",
    "OnPremises",
]
