"""What follows from a cluster's spec and its machines: endpoint, names, kubeadm's API version, sizes.

Read by every phase, by kubeadm's configuration and by preflight, so that each rule stands once. Pure.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from roost.api.errors import PermanentFailure
from roost.api.v1alpha1.cluster import ClusterSpec, NodeNameSource, OnPremises, RuntimeType
from roost.api.v1alpha1.machine import Role
from roost.providers.onprem import families
from roost.providers.onprem.context import Context, MachineInput

KUBERNETES_DIRECTORY: Final = "/etc/kubernetes"
CRI_SOCKET: Final = "unix:///run/containerd/containerd.sock"
DOCKER_SOCKET: Final = "unix:///run/cri-dockerd.sock"
API_PORT: Final = 6443
"""kube-apiserver's own port on a control plane; the endpoint's port may differ behind a load balancer."""


def on_premises(spec: ClusterSpec) -> OnPremises:
    """The part of the spec that this provider reads."""
    if spec.on_premises is None or spec.version is None:
        raise PermanentFailure(
            "SpecIncomplete", "spec.onPremises and spec.version are needed to make a cluster on machines"
        )
    return spec.on_premises


def cri_socket(spec: ClusterSpec) -> str:
    """Where the container runtime answers."""
    docker = on_premises(spec).runtime.type is RuntimeType.DOCKER
    return DOCKER_SOCKET if docker else CRI_SOCKET


def minor(version: str) -> int:
    """31 for 1.31.4."""
    return int(version.split(".")[1])


class Seat(StrEnum):
    """The way in which a machine comes into its cluster."""

    FOUNDER = "Founder"
    """The control plane on which kubeadm init makes the cluster."""
    PLANE = "Plane"
    """A control plane that joins."""
    WORKER = "Worker"


def control_planes(ctx: Context) -> tuple[MachineInput, ...]:
    """Those that stay, in the order in which they join. Raises PermanentFailure when there is none."""
    found = [machine for machine in ctx.machines if machine.spec.role is Role.CONTROL_PLANE and not machine.deleting]
    if not found:
        raise PermanentFailure(
            "ControlPlaneCount",
            f"a cluster needs at least one Machine with the role ControlPlane; {ctx.cluster_name} has none",
        )
    return tuple(sorted(found, key=lambda machine: _natural(machine.name)))


def _natural(name: str) -> list[tuple[int, str]]:
    """node2 before node10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def control_plane(ctx: Context) -> MachineInput:
    """The one that makes the cluster; the first where that one is gone."""
    planes = control_planes(ctx)
    return next((machine for machine in planes if machine.name == ctx.founder), planes[0])


def seat(ctx: Context, machine: MachineInput) -> Seat:
    if machine.spec.role is Role.WORKER:
        return Seat.WORKER
    founds = ctx.founder != "" and control_plane(ctx).name == machine.name
    return Seat.FOUNDER if founds else Seat.PLANE


def workers(ctx: Context) -> tuple[MachineInput, ...]:
    return tuple(machine for machine in ctx.machines if machine.spec.role is Role.WORKER)


def joined(host: str, port: int) -> str:
    """host:port, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def endpoint(spec: ClusterSpec) -> str:
    """host:port of the cluster's API as machines and people use it."""
    wanted = on_premises(spec).control_plane_endpoint
    return joined(wanted.host, wanted.port)


def dialled(spec: ClusterSpec) -> str:
    """host:port by which roost and people reach the API from outside: the external access where there is one."""
    external = on_premises(spec).control_plane_endpoint.external_access
    return endpoint(spec) if external is None else joined(external.host, external.port)


def node_name(spec: ClusterSpec, machine: MachineInput, hostname: str) -> str:
    """What the machine's Node is called. kubelet writes host names in lower case."""
    if on_premises(spec).node_name is NodeNameSource.IP:
        return families.address(spec, machine)
    return hostname.strip().lower()


def service_address(spec: ClusterSpec, offset: int) -> str:
    """The n-th address of the (first) Service network: 1 is `kubernetes`, 10 is DNS."""
    network = ipaddress.ip_network(families.services(spec)[0])
    return str(network.network_address + offset)


def server_names(spec: ClusterSpec, machine: MachineInput) -> tuple[str, ...]:
    """Names for the API server's certificate beyond those that kubeadm adds itself; sorted, each once."""
    wanted = on_premises(spec)
    reached = wanted.control_plane_endpoint
    names: set[str] = {
        reached.host,
        *([reached.self_built_vip.address] if reached.self_built_vip and reached.self_built_vip.address else []),
        *([reached.external_access.host] if reached.external_access else []),
        *families.declared(machine),
        *wanted.public_alternative_names,
    }
    if machine.spec.ssh.address:
        names.add(machine.spec.ssh.address)
    return tuple(sorted(names))


def registry_hosts(images: Sequence[str]) -> tuple[str, ...]:
    """The registries that image names point to: registry.k8s.io, docker.io, …"""
    return tuple(sorted({name.split("/", 1)[0] for name in images if "/" in name}))


def admin_group(version: str) -> str:
    """The group whose certificates rule the cluster: since 1.29 one that RBAC can take away again."""
    return "kubeadm:cluster-admins" if minor(version) >= 29 else "system:masters"
