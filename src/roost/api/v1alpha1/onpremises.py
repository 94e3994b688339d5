"""OnPremises: everything a person chooses for a cluster that roost makes on machines. Part of Cluster.

What is written into machines, certificates and Pods at creation is `Frozen`: the network and the
extension parameters from the first moment (CEL refuses a change), the rest once the control plane runs.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from roost.api.conditions import CONTROL_PLANE_INITIALIZED
from roost.api.markers import Frozen, Says
from roost.api.model import ClusterReference, Model, Name, SecretReference

CIDR = Annotated[str, StringConstraints(max_length=128, min_length=1)]
IPAddress = Annotated[str, StringConstraints(max_length=45, min_length=2)]
Device = Annotated[
    str,
    StringConstraints(pattern=r"^[^/\s]{1,15}$", min_length=1, max_length=15),
    Says("device", "the name of a network device has at most 15 characters without / and spaces, such as eth1"),
]
ExtraArgs = Annotated[
    dict[Annotated[str, StringConstraints(max_length=253)], Annotated[str, StringConstraints(max_length=4096)]],
    Field(max_length=64),
    Frozen(
        key="extraArgs",
        because="extension parameters are given at creation, since every component already runs with them; "
        "delete the cluster and create it again with the other ones",
    ),
]


class NetworkPlugin(StrEnum):
    FLANNEL = "Flannel"
    CALICO = "Calico"
    KUBE_OVN = "KubeOVN"
    CUSTOM = "Custom"


class IPFamily(StrEnum):
    IPV4 = "IPv4"
    IPV6 = "IPv6"
    DUAL_STACK = "DualStack"


class TransmitMode(StrEnum):
    OVERLAY = "Overlay"
    UNDERLAY = "Underlay"


class NodeNameSource(StrEnum):
    IP = "IP"
    HOSTNAME = "Hostname"


class RuntimeType(StrEnum):
    CONTAINERD = "Containerd"
    DOCKER = "Docker"


class RegistryType(StrEnum):
    BUILT_IN = "BuiltIn"
    PRIVATE = "Private"
    PUBLIC = "Public"


class MonitoringType(StrEnum):
    PROMETHEUS = "Prometheus"
    VICTORIA_METRICS = "VictoriaMetrics"


class MonitoringDeployment(StrEnum):
    FULL = "Full"
    AGENT_ONLY = "AgentOnly"


class SelfBuiltVIP(Model):
    """A virtual address that haproxy and keepalived on the control planes hold: for want of a load balancer."""

    address: IPAddress | None = Field(
        default=None,
        description="The virtual address when the endpoint's host is a name that resolves to it. It lies in the "
        "subnet of every control plane and is no machine's address.",
    )
    virtual_router_id: int = Field(
        ge=1, le=255, alias="virtualRouterID", description="VRID, which nothing else on that network uses."
    )


class ExternalAccess(Model):
    """Where the platform reaches the cluster's API when it is on another network than the machines."""

    host: str = Field(min_length=1, max_length=253, description="IP address or domain name for the platform.")
    port: int = Field(default=6443, ge=1, le=65535, description="Port for the platform.")


class Endpoint(Model):
    """Where the cluster's API is reached by its machines and by the platform."""

    host: str = Field(
        min_length=1,
        max_length=253,
        description="IP address or domain name of the API: a load balancer's, the self-built VIP, or the address "
        "of the only control plane, which then stays the only one.",
    )
    port: int = Field(default=6443, ge=1, le=65535, description="Port of the API.")
    self_built_vip: SelfBuiltVIP | None = Field(
        default=None,
        alias="selfBuiltVIP",
        description="Have the control planes hold the endpoint's address themselves. Off when it is not given.",
    )
    external_access: ExternalAccess | None = Field(
        default=None,
        description="Where the platform reaches the API when it is on another network: roost dials it, the API "
        "server's certificate and the kubeconfig carry it. 6443, 11780 and 11781 lead to every control plane.",
    )


class Network(Model):
    """The container network. Immutable."""

    plugin: NetworkPlugin = Field(
        default=NetworkPlugin.FLANNEL,
        description="Network plugin that is installed; Custom installs none.",
    )
    ip_family: IPFamily = Field(
        default=IPFamily.IPV4,
        alias="ipFamily",
        description="IPv4, IPv6 or DualStack; with DualStack every machine has both addresses.",
    )
    pod_cidr: CIDR = Field(
        default="10.16.0.0/16",
        alias="podCIDR",
        description="Addresses of Pods (cluster CIDR, default subnet). DualStack: the IPv4 and the IPv6 network, "
        "with a comma between.",
    )
    service_cidr: CIDR = Field(
        default="10.112.0.0/12",
        alias="serviceCIDR",
        description="Addresses of Services of type ClusterIP. DualStack: as with podCIDR.",
    )
    ips_per_node: int | None = Field(
        default=None,
        ge=16,
        le=4096,
        alias="ipsPerNode",
        description="Most Pod addresses of one node, a power of two; with Flannel 256 when it is not given. "
        "The number of nodes that fit is the size of podCIDR divided by it. With Flannel it is max-pods too.",
    )
    dns_domain: str = Field(
        default="cluster.local", min_length=1, max_length=253, description="Domain of Service names."
    )
    transmit_mode: TransmitMode | None = Field(
        default=None,
        description="KubeOVN: Overlay (the default) or Underlay, where Pods have addresses of the physical network.",
    )
    join_cidr: CIDR | None = Field(
        default=None,
        alias="joinCIDR",
        description="KubeOVN, Overlay: addresses between nodes and Pods; 100.64.0.0/16 when it is not given. "
        "DualStack: as with podCIDR.",
    )
    gateway: Annotated[str, StringConstraints(max_length=128, min_length=1)] | None = Field(
        default=None,
        description="KubeOVN, Underlay: address of the physical gateway, inside podCIDR. DualStack: both, with a "
        "comma between.",
    )
    vlan_id: int | None = Field(
        default=None, ge=0, le=4094, alias="vlanID", description="KubeOVN, Underlay: number of the VLAN; 0 is none."
    )
    reserved_ips: list[Annotated[str, StringConstraints(min_length=2, max_length=96)]] = Field(
        default_factory=list,
        max_length=256,
        alias="reservedIPs",
        description="KubeOVN, Underlay: addresses, or ranges such as 10.1.0.1..10.1.0.20, inside podCIDR that no "
        "Pod gets.",
    )
    nic: Device | None = Field(
        default=None,
        description="Network device that the network plugin uses on every machine; required with Underlay, the "
        "device of the default route otherwise.",
    )


class Runtime(Model):
    """The container runtime and where it keeps its data."""

    type: RuntimeType = Field(
        default=RuntimeType.CONTAINERD,
        description="Containerd, or Docker where the FeatureGate cri-docker is enabled.",
    )
    log_max_size: Annotated[
        str,
        StringConstraints(pattern=r"^[1-9][0-9]{0,8}(Ki|Mi|Gi)$", max_length=16),
        Says("logMaxSize", "a size is a whole number with Ki, Mi or Gi, such as 100Mi"),
    ] = Field(default="100Mi", description="Size at which the log of a container is rotated.")
    log_max_files: int = Field(default=5, ge=2, le=1000, description="Most log files of a container.")
    data_directory: Annotated[str, StringConstraints(min_length=2, max_length=255)] | None = Field(
        default=None,
        description="Directory on a data disk for images, containers and logs, such as /data/containerd; the "
        "runtime's own place when it is not given.",
    )


class Registry(Model):
    """Where machines fetch images."""

    type: RegistryType = Field(
        default=RegistryType.BUILT_IN,
        description="BuiltIn: the platform's own; Private: your own, filled by `roost bundle push`; Public: the "
        "platform's public registry, with the CloudCredential public-registry-credential.",
    )
    address: Annotated[str, StringConstraints(min_length=1, max_length=512)] | None = Field(
        default=None,
        description="Private: host[:port][/path] of the registry. BuiltIn: the external name of the platform's "
        "registry, for machines that can't reach the platform's own address.",
    )
    credential: SecretReference | None = Field(
        default=None,
        description="Private: Secret of type kubernetes.io/dockerconfigjson or kubernetes.io/basic-auth.",
    )
    ca: Annotated[str, StringConstraints(min_length=1, max_length=65536)] | None = Field(
        default=None, description="Certificates that vouch for the registry, as PEM text."
    )


class Monitoring(Model):
    """What watches the cluster; it is installed with the monitoring plugin."""

    type: MonitoringType = Field(default=MonitoringType.PROMETHEUS, description="Prometheus or VictoriaMetrics.")
    deployment: MonitoringDeployment | None = Field(
        default=None,
        description="VictoriaMetrics: Full (the default), or AgentOnly, where the agent sends its metrics to "
        "linkedCluster.",
    )
    linked_cluster: ClusterReference | None = Field(
        default=None, description="AgentOnly: the Cluster whose VictoriaMetrics keeps the metrics."
    )
    machines: list[Name] = Field(
        default_factory=list,
        max_length=1000,
        description="Machines that the components run on: workers, or control planes with allowApps.",
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
            because="nodes, Services and Pods have addresses from it; "
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
    runtime: Annotated[
        Runtime,
        Frozen(
            key="runtime",
            after=CONTROL_PLANE_INITIALIZED,
            because="containers already run in it and changing it is not implemented yet; "
            "delete the cluster and create it again with the other runtime",
        ),
    ] = Field(default_factory=Runtime, description="The container runtime.", json_schema_extra={"default": {}})
    registry: Registry = Field(
        default_factory=Registry, description="Where machines fetch images.", json_schema_extra={"default": {}}
    )
    docker_extra_args: ExtraArgs = Field(
        default_factory=dict,
        json_schema_extra={"default": {}},
        description="Further settings of Docker, with runtime Docker alone: flags of dockerd, without dashes, go to "
        "/etc/sysconfig/docker; keys of daemon.json are given as pairs too.",
    )
    kubelet_extra_args: ExtraArgs = Field(
        default_factory=dict,
        json_schema_extra={"default": {}},
        description="Further kubelet flags, without dashes; a key here wins over a default.",
    )
    controller_manager_extra_args: ExtraArgs = Field(
        default_factory=dict,
        json_schema_extra={"default": {}},
        description="Further kube-controller-manager flags.",
    )
    scheduler_extra_args: ExtraArgs = Field(
        default_factory=dict, json_schema_extra={"default": {}}, description="Further kube-scheduler flags."
    )
    api_server_extra_args: ExtraArgs = Field(
        default_factory=dict, json_schema_extra={"default": {}}, description="Further kube-apiserver flags."
    )
    public_alternative_names: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=253)]],
        Frozen(
            key="publicAlternativeNames",
            because="extension parameters are given at creation, since the API server's certificate is made with "
            "these names; delete the cluster and create it again with the other ones",
        ),
    ] = Field(
        default_factory=list,
        max_length=64,
        json_schema_extra={"default": []},
        description="Further addresses or names in the API server's certificate.",
    )
    monitoring: Monitoring | None = Field(
        default=None, description="What watches the cluster; installed with the monitoring plugin."
    )
