"""A cluster, its machines and a bundle without bytes, for the tests of the provider."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from roost.api.errors import RoostError
from roost.api.masked import Masked
from roost.api.v1alpha1.cluster import ClusterSpec
from roost.api.v1alpha1.machine import Difference, MachineFacts, MachineSpec
from roost.bundle.model import Bundle, Image, Member, Program
from roost.node.facts import Address, NodeFacts
from roost.providers.onprem.context import Context, MachineInput, RegistrySource
from roost.providers.onprem.preflight.look import Found
from roost.ssh.connection import Connection, Target

ID = "11111111-2222-3333-4444-555555555555"
PROGRAMS = ("kubeadm", "kubelet", "kubectl", "runc", "containerd", "cni-plugins", "crictl", "roost-probe")
ARCHIVES = ("containerd", "cni-plugins", "crictl")
COMPONENTS = {
    "1.31.4": {"containerd": "2.0.4", "pause": "3.10", "flannel": "0.25.7"},
    "1.28.15": {"containerd": "1.7.32", "pause": "3.9", "flannel": "0.25.7"},
}


def digest(text: str) -> str:
    return "sha256:" + (text.encode().hex() * 64)[:64]


def program(name: str, architecture: str) -> Program:
    archive = name in ARCHIVES
    return Program(
        name=name,
        version="1",
        architecture=architecture,
        digest=digest(f"{name}{architecture}"),
        size=1,
        kind="tar.gz" if archive else "file",
        members=(Member(f"bin/{name}" if archive else name, digest(name)[7:], 0o755, 1),),
    )


def image(name: str, architecture: str, purpose: Any) -> Image:
    return Image(name, architecture, digest(f"i{name}"), digest(f"m{name}"), digest(f"c{name}"), 1, purpose)


def bundle(
    version: str = "1.31.4", architectures: tuple[str, ...] = ("amd64",), path: Path = Path("/none")
) -> Bundle:
    images = (
        ("registry.k8s.io/kube-apiserver:v" + version, "control-plane"),
        ("registry.k8s.io/kube-proxy:v" + version, "node"),
        ("registry.k8s.io/coredns/coredns:v1.11.3", "addon"),
        ("docker.io/flannel/flannel:v0.25.7", "node"),
        ("registry.k8s.io/e2e-test-images/busybox:1.36", "test"),
    )
    return Bundle(
        version=version,
        path=Path("/none"),
        digest=digest(version),
        architectures=architectures,
        components=COMPONENTS[version],
        programs=tuple(program(name, architecture) for architecture in architectures for name in PROGRAMS),
        images=tuple(image(name, a, purpose) for a in architectures for name, purpose in images),
        manifests={"flannel": digest("flannel")},
    )


def spec(version: str = "1.31.4", **on_premises: Any) -> ClusterSpec:
    wanted = {"controlPlaneEndpoint": {"host": "10.200.0.11"}, **on_premises}
    return ClusterSpec.model_validate({"version": version, "onPremises": wanted})


def machine(name: str, address: str, role: str = "Worker", *, ssh: dict[str, Any] | None = None) -> MachineInput:
    access = {"credential": {"name": "key"}, **(ssh or {})}
    value = MachineSpec.model_validate(
        {"clusterName": "demo", "role": role, "addresses": {"ipv4": address}, "ssh": access}
    )
    return MachineInput(name, value, Target(name, address))


CP = machine("cp1", "10.200.0.11", "ControlPlane")
W1 = machine("w1", "10.200.0.12")


def node(name: str, address: str, **changes: Any) -> NodeFacts:
    """A machine on which nothing is to be found."""
    values: dict[str, Any] = {
        "hostname": name,
        "os_id": "debian",
        "os_version": "12",
        "os_name": "Debian GNU/Linux 12 (bookworm)",
        "kernel": "6.1.0-28-amd64",
        "machine": "x86_64",
        "cpus": 4,
        "memory": 8 << 30,
        "machine_id": f"id-of-{name}",
        "addresses": (Address("lo", "127.0.0.1", 8), Address("eth0", address, 24)),
        "default_interface": "eth0",
        "default_gateway": "10.200.0.1",
        "cgroup_version": 2,
        "systemd_cgroups": True,
        "systemd_version": 252,
        "systemd_state": "running",
        "free": {"/": 40 << 30, "/run": 1 << 30, "/var/lib/containerd": 40 << 30, "/var/lib/kubelet": 40 << 30},
        "programs": {
            program: f"/usr/bin/{program}"
            for program in (
                "mount", "ip", "conntrack", "socat", "ethtool", "nsenter", "iptables", "nft", "systemd-run", "tar",
                "gzip", "sha256sum", "apt-get",
            )
        },
        "nameservers": ("10.200.0.1",),
    }  # fmt: skip
    return NodeFacts(**{**values, **copy.deepcopy(changes)})


def found(name: str = "cp1", address: str = "10.200.0.11", **changes: Any) -> Found:
    """`changes`: fields of Found; those of NodeFacts in `node`."""
    facts = changes.pop("node", {})
    values: dict[str, Any] = {
        "node": node(name, address, **facts),
        "skew": 0.1,
        "routes": (("default", "eth0"), ("10.200.0.0/24", "eth0")),
        "controllers": ("cpuset", "cpu", "io", "memory", "pids"),
        "modules": {"overlay": "available", "br_netfilter": "available"},
        "sysctls": {"fs/inotify/max_user_instances": 128, "fs/inotify/max_user_watches": 1 << 20},
    }
    return Found(**{**values, **changes})


class Store:
    def __init__(self) -> None:
        self.value: Masked | None = None

    async def load(self) -> Masked | None:
        return self.value

    async def save(self, kubeconfig: Masked) -> None:
        self.value = kubeconfig


class Reported:
    """Keeps the last condition of each kind, and everything else in order."""

    def __init__(self) -> None:
        self.clusters: dict[str, tuple[str, str, str]] = {}
        self.machines: dict[tuple[str, str], tuple[str, str, str]] = {}
        self.acts: list[tuple[str, str]] = []
        self.events: list[str] = []
        self.differing: dict[str, list[str]] = {}

    def cluster(self, condition: str, status: str, reason: str, message: str = "") -> None:
        self.clusters[condition] = (status, reason, message)

    def machine(self, name: str, condition: str, status: str, reason: str, message: str = "") -> None:
        self.machines[name, condition] = (status, reason, message)

    def facts(self, name: str, facts: MachineFacts, *, host_key: str, node_name: str) -> None:
        pass

    def acted(self, name: str, title: str) -> None:
        self.acts.append((name, title))

    def looked(self, name: str, keys: Sequence[str], differing: Sequence[Difference]) -> None:
        self.differing[name] = [one.thing for one in differing]

    def kept(self, name: str, keys: Collection[str]) -> None:
        self.differing[name] = [thing for thing in self.differing.get(name, []) if thing not in keys]

    def event(self, machine: str | None, reason: str, message: str, *, warning: bool = False) -> None:
        self.events.append(reason)


async def unreachable(target: Target) -> Connection:
    raise RoostError("NoConnection", f"{target.name} is not connected to in this test")


def context(
    *machines: MachineInput,
    spec_: ClusterSpec | None = None,
    registry: bool = True,
    registry_: RegistrySource | None = None,
    **changes: Any,
) -> Context:
    wanted = spec_ or spec()
    values: dict[str, Any] = {
        "cluster_id": ID,
        "cluster_name": "demo",
        "spec": wanted,
        "machines": machines or (CP, W1),
        "bundle": bundle(wanted.version or ""),
        "registry": registry_ or (RegistrySource("10.200.0.1:7501", "PEM\n") if registry else None),
        "connect": unreachable,
        "kubeconfig": Store(),
        "report": Reported(),
    }
    return Context(**{**values, **changes})
