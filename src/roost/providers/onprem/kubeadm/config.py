"""kubeadm's configuration files: v1beta3 up to Kubernetes 1.30, v1beta4 from 1.31.

Called by the phases that run kubeadm and by the plan. Pure: the same spec gives the same bytes, so that a
hash of them tells whether what kubeadm made is still what is wished.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from roost.api.v1alpha1.cluster import ClusterSpec, NetworkPlugin, OnPremises
from roost.api.v1alpha1.machine import Role
from roost.providers.onprem import families, layout
from roost.providers.onprem.context import MachineInput

Document = dict[str, Any]
CGROUP_DRIVER: Final = "systemd"
"""The cluster's; a node on which systemd does not manage the hierarchies gets another one by a patch."""


@dataclass(frozen=True)
class NodeSettings:
    """What differs from node to node."""

    name: str
    addresses: tuple[str, ...]
    """In the cluster's families, the primary one first."""
    cgroup_driver: str
    """systemd or cgroupfs."""

    @property
    def address(self) -> str:
        """The one by which the other machines know this one."""
        return self.addresses[0]


@dataclass(frozen=True)
class JoinSecrets:
    """What lets one machine join once: its token, and the CA that its API server must have."""

    token: str
    ca_pem: str


def api_version(version: str) -> str:
    generation = "v1beta4" if layout.minor(version) >= 31 else "v1beta3"
    return f"kubeadm.k8s.io/{generation}"


def _is_v1beta4(version: str) -> bool:
    return api_version(version).endswith("v1beta4")


LEARNERS_BY_DEFAULT: Final = 29
"""From this minor version on kubeadm adds an etcd member as a learner, which counts for the quorum only once it
has caught up. Before that the gate is off: a second member whose join is cut off would take the first one along."""


def arguments(version: str, values: Mapping[str, str]) -> Any:
    """Extra arguments: a map in v1beta3, a list of name and value in v1beta4."""
    if _is_v1beta4(version):
        return [{"name": name, "value": value} for name, value in sorted(values.items())]
    return dict(sorted(values.items()))


def kubelet_arguments(spec: ClusterSpec, node: NodeSettings) -> dict[str, str]:
    """Flags of one kubelet; what the person gives wins over what roost would set."""
    wanted = layout.on_premises(spec)
    own = {"node-ip": ",".join(node.addresses)}
    # Only where the network really gives each node that many addresses.
    if wanted.network.ips_per_node is not None and wanted.network.plugin is NetworkPlugin.FLANNEL:
        own["max-pods"] = str(wanted.network.ips_per_node)
    return {**own, **wanted.kubelet_extra_args}


def _registration(spec: ClusterSpec, version: str, node: NodeSettings) -> Document:
    return {
        "name": node.name,
        "criSocket": layout.cri_socket(spec),
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": arguments(version, kubelet_arguments(spec, node)),
    }


def kubelet_configuration(spec: ClusterSpec) -> Document:
    """The cluster-wide part, kept in ConfigMap kubelet-config. What differs per node comes as a patch."""
    runtime = layout.on_premises(spec).runtime
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": CGROUP_DRIVER,
        "rotateCertificates": True,
        # The serving certificate is asked for by a CSR that roost checks against the Machine and approves.
        "serverTLSBootstrap": True,
        # With Docker its own log driver rotates; kubelet leaves files alone that it does not write itself.
        "containerLogMaxSize": runtime.log_max_size,
        "containerLogMaxFiles": runtime.log_max_files,
    }


def proxy_configuration(spec: ClusterSpec) -> Document:
    """kube-proxy, told to leave the kernel's connection tracking alone.

    By default it sets nf_conntrack_max and two time-outs on each node. No journal would know the former
    values, so they could not be put back; and a size that fits is the business of whoever runs the machine.
    """
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clusterCIDR": ",".join(families.pods(spec)),
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def _sharing(wanted: OnPremises) -> dict[str, str]:
    """haproxy has 6443 of the VIP, kube-apiserver 6443 of every address: both have to allow that."""
    return {"permit-port-sharing": "true"} if wanted.control_plane_endpoint.self_built_vip is not None else {}


def cluster_configuration(spec: ClusterSpec, machine: MachineInput, cluster_name: str) -> Document:
    wanted = layout.on_premises(spec)
    version = spec.version or ""
    manager = {**families.masks(spec), **wanted.controller_manager_extra_args}
    return {
        "apiVersion": api_version(version),
        "kind": "ClusterConfiguration",
        "clusterName": cluster_name,
        "kubernetesVersion": f"v{version}",
        "controlPlaneEndpoint": layout.endpoint(spec),
        "networking": {
            "podSubnet": ",".join(families.pods(spec)),
            "serviceSubnet": ",".join(families.services(spec)),
            "dnsDomain": wanted.network.dns_domain,
        },
        "apiServer": {
            "certSANs": list(layout.server_names(spec, machine)),
            "extraArgs": arguments(version, {**_sharing(wanted), **wanted.api_server_extra_args}),
        },
        "controllerManager": {"extraArgs": arguments(version, manager)},
        "scheduler": {"extraArgs": arguments(version, wanted.scheduler_extra_args)},
        **({"featureGates": {"EtcdLearnerMode": True}} if layout.minor(version) < LEARNERS_BY_DEFAULT else {}),
    }


def init_documents(
    spec: ClusterSpec, machine: MachineInput, cluster_name: str, node: NodeSettings, *, patches: str | None
) -> list[Document]:
    """Without a bootstrap token; see `with_token`."""
    version = spec.version or ""
    init: Document = {
        "apiVersion": api_version(version),
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": node.address, "bindPort": layout.API_PORT},
        "nodeRegistration": _registration(spec, version, node),
    }
    if patches is not None:
        init["patches"] = {"directory": patches}
    return [
        init,
        cluster_configuration(spec, machine, cluster_name),
        kubelet_configuration(spec),
        proxy_configuration(spec),
    ]


def with_token(documents: list[Document], token: str) -> list[Document]:
    """kubeadm's phase bootstrap-token always makes a token: this short-lived one in place of its own of 24 h."""
    first = {
        **documents[0],
        "bootstrapTokens": [
            {
                "token": token,
                "ttl": "5m0s",
                "description": "made by kubeadm's phase bootstrap-token, deleted right after it",
            }
        ],
    }
    return [first, *documents[1:]]


def discovery_file(spec: ClusterSpec, secrets: JoinSecrets) -> Document:
    """A kubeconfig without a user, for `discovery.file`: where the API is and which CA it must have.

    This pins the whole CA, where a token with caCertHashes pins its key; and nothing has to be signed for
    it in the cluster first, which takes kube-controller-manager some seconds in a new one.
    """
    authority = base64.b64encode(secrets.ca_pem.encode()).decode()
    cluster = {"server": f"https://{layout.endpoint(spec)}", "certificate-authority-data": authority}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "", "cluster": cluster}],
    }


def join_documents(
    spec: ClusterSpec,
    machine: MachineInput,
    node: NodeSettings,
    secrets: JoinSecrets,
    *,
    discovery: str,
    patches: str | None,
) -> list[Document]:
    """For a worker or a further control plane. `discovery`: path of the discovery file."""
    version = spec.version or ""
    registration = _registration(spec, version, node)
    join: Document = {
        "apiVersion": api_version(version),
        "kind": "JoinConfiguration",
        "discovery": {"file": {"kubeConfigPath": discovery}, "tlsBootstrapToken": secrets.token},
        "nodeRegistration": registration,
    }
    if machine.spec.role is Role.CONTROL_PLANE:
        # Its taint is kubeadm's own default.
        join["controlPlane"] = {"localAPIEndpoint": {"advertiseAddress": node.address, "bindPort": layout.API_PORT}}
    else:
        registration["taints"] = []
    if _is_v1beta4(version):
        join["timeouts"] = {"discovery": "1m0s", "tlsBootstrap": "2m0s", "kubeletHealthCheck": "1m0s"}
    else:
        join["discovery"]["timeout"] = "1m0s"
    if patches is not None:
        join["patches"] = {"directory": patches}
    return [join]


def kubelet_patch(node: NodeSettings) -> bytes | None:
    """The kubelet's values on this node that differ from the cluster's; None when none does."""
    if node.cgroup_driver == CGROUP_DRIVER:
        return None
    return yaml.safe_dump({"cgroupDriver": node.cgroup_driver}).encode()


KUBELET_PATCH_NAME = "kubeletconfiguration+merge.yaml"


def render(documents: list[Document]) -> bytes:
    return yaml.safe_dump_all(documents, sort_keys=True, explicit_start=True).encode()
