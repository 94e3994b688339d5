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

KubernetesVersion = Annotated[
    str,
    StringConstraints(pattern=r"^1\.[0-9]{1,2}\.[0-9]{1,3}$", min_length=1, max_length=16),
    Says("version", "a version is written in full and without v, such as 1.31.4"),
]
CIDR = Annotated[str, StringConstraints(max_length=64, min_length=1)]
ExtraArgs = Annotated[
    dict[Annotated[str, StringConstraints(max_length=253)], Annotated[str, StringConstraints(max_length=4096)]],
    Field(max_length=64),
    Frozen(
        key="extraArgs",
        after=CONTROL_PLANE_INITIALIZED,
        because="the components already run with these flags and changing them is not implemented yet; "
        "delete the cluster and create it again with the other flags",
    ),
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
    """The container network. Mutable until the control plane is initialised."""

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
    dns_domain: str = Field(
        default="cluster.local", min_length=1, max_length=253, description="Domain of Service names."
    )


class OnPremises(Model):
    """A cluster that roost makes over SSH on Machines that name it."""

    control_plane_endpoint: Annotated[
        Endpoint,
        Frozen(
            key="controlPlaneEndpoint",
            after=CONTROL_PLANE_INITIALIZED,
            because="certificates and the kubeconfigs of all nodes carry it; "
            "delete the cluster and create it again with the other endpoint",
        ),
    ] = Field(description="Address of the cluster's API.")
    network: Annotated[
        Network,
        Frozen(
            key="network",
            after=CONTROL_PLANE_INITIALIZED,
            because="nodes, Services and Pods already have addresses from it; "
            "delete the cluster and create it again with the other network",
        ),
    ] = Field(default_factory=Network, description="The container network.", json_schema_extra={"default": {}})
    node_name: Annotated[
        NodeNameSource,
        Frozen(
            key="nodeName",
            after=CONTROL_PLANE_INITIALIZED,
            because="a Node can't be renamed; delete the cluster and create it again with the other choice",
        ),
    ] = Field(
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
    public_alternative_names: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=253)]],
        Frozen(
            key="publicAlternativeNames",
            after=CONTROL_PLANE_INITIALIZED,
            because="the API server's certificate is made and renewing it with other names is not implemented "
            "yet; delete the cluster and create it again with the other names",
        ),
    ] = Field(
        default_factory=list,
        max_length=64,
        description="Further addresses or names in the API server's certificate.",
    )


class Global(Model):
    """Marks the one Cluster that stands for the platform itself; roost writes it, nobody else can."""


class ClusterSpec(Model):
    """Exactly one of the ways a cluster comes to be, and what all of them share."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "[has(self.onPremises), has(self.global)].filter(way, way).size() == 1",
                "exactly one of onPremises and global must be given; write onPremises",
            ),
            (
                "!has(self.onPremises) || has(self.version)",
                "version is required with onPremises; `kubectl get kubernetesreleases` lists what can be installed",
            ),
            (
                "has(self.onPremises) == has(oldSelf.onPremises)",
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
    on_premises: OnPremises | None = Field(default=None, description="Made by roost over SSH on Machines.")
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
    version: str | None = Field(
        default=None, max_length=64, description="Kubernetes version that the API server answers with."
    )
    endpoint: str | None = Field(default=None, max_length=512, description="URL of the cluster's API.")
    nodes: NodeCount | None = Field(default=None, description="How many Nodes there are.")
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
    "Name",
    "NetworkPlugin",
    "NodeNameSource",
    "OnPremises",
]
