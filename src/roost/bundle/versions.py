"""The literal table of what is installed with each Kubernetes version.

Read by upstream (which URLs to fetch), by create (which components a bundle names) and by the docs.
A row states what kubeadm of that version asks for (etcd, CoreDNS, pause) and which runtime, network
and tools go with it; `create` compares it with what the downloaded kubeadm itself prints.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Literal

from roost.bundle.errors import VersionUnsupported

Part = Literal["platform", "machine"]
Purpose = Literal["control-plane", "node", "addon", "test", "agent"]

PARTS: Final[tuple[Part, ...]] = ("machine", "platform")
"""machine: what a machine of a cluster needs. platform: what `roost up` runs."""
ARCHITECTURES: Final = ("amd64", "arm64")


@dataclass(frozen=True)
class ImageName:
    """An image under its upstream name, and what it is for (see bundle.model.Image.purpose)."""

    name: str
    purpose: Purpose


@dataclass(frozen=True)
class Release:
    """One Kubernetes version with the versions of everything that is installed with it; none carries a v."""

    kubernetes: str
    etcd: str
    etcd_tag: str
    coredns: str
    pause: str
    containerd: str
    runc: str
    cni_plugins: str
    crictl: str
    flannel: str
    flannel_cni_plugin_tag: str
    registry: str
    tested: bool = True
    """False: a patch release that takes its minor's row."""

    @property
    def minor(self) -> str:
        return ".".join(self.kubernetes.split(".")[:2])

    def components(self) -> dict[str, str]:
        """Component name to version, as a Bundle names them."""
        return {
            "kubernetes": self.kubernetes,
            "containerd": self.containerd,
            "runc": self.runc,
            "cni-plugins": self.cni_plugins,
            "crictl": self.crictl,
            "etcd": self.etcd,
            "coredns": self.coredns,
            "pause": self.pause,
            "flannel": self.flannel,
            "registry": self.registry,
        }

    def kubeadm_images(self) -> tuple[ImageName, ...]:
        """What `kubeadm config images list` of this version has to print."""
        host = "registry.k8s.io"
        return (
            ImageName(f"{host}/kube-apiserver:v{self.kubernetes}", "control-plane"),
            ImageName(f"{host}/kube-controller-manager:v{self.kubernetes}", "control-plane"),
            ImageName(f"{host}/kube-scheduler:v{self.kubernetes}", "control-plane"),
            ImageName(f"{host}/kube-proxy:v{self.kubernetes}", "node"),
            ImageName(f"{host}/coredns/coredns:v{self.coredns}", "addon"),
            ImageName(f"{host}/pause:{self.pause}", "node"),
            ImageName(f"{host}/etcd:{self.etcd_tag}", "control-plane"),
        )

    def flannel_images(self) -> tuple[ImageName, ...]:
        """What the release's kube-flannel.yml names."""
        return (
            ImageName(f"docker.io/flannel/flannel:v{self.flannel}", "node"),
            ImageName(f"docker.io/flannel/flannel-cni-plugin:v{self.flannel_cni_plugin_tag}", "node"),
        )


RELEASES: Final[dict[str, Release]] = {
    "1.28.15": Release(
        kubernetes="1.28.15",
        etcd="3.5.15",
        etcd_tag="3.5.15-0",
        coredns="1.10.1",
        pause="3.9",
        containerd="1.7.32",
        runc="1.2.6",
        cni_plugins="1.5.1",
        crictl="1.34.0",
        flannel="0.25.7",
        flannel_cni_plugin_tag="1.5.1-flannel2",
        registry="3.0.0",
    ),
    "1.29.15": Release(
        kubernetes="1.29.15",
        etcd="3.5.16",
        etcd_tag="3.5.16-0",
        coredns="1.11.1",
        pause="3.9",
        containerd="1.7.32",
        runc="1.2.6",
        cni_plugins="1.5.1",
        crictl="1.34.0",
        flannel="0.25.7",
        flannel_cni_plugin_tag="1.5.1-flannel2",
        registry="3.0.0",
    ),
    "1.30.4": Release(
        kubernetes="1.30.4",
        etcd="3.5.12",
        etcd_tag="3.5.12-0",
        coredns="1.11.1",
        pause="3.9",
        containerd="2.0.4",
        runc="1.2.6",
        cni_plugins="1.5.1",
        crictl="1.34.0",
        flannel="0.25.7",
        flannel_cni_plugin_tag="1.5.1-flannel2",
        registry="3.0.0",
    ),
    "1.31.4": Release(
        kubernetes="1.31.4",
        etcd="3.5.15",
        etcd_tag="3.5.15-0",
        coredns="1.11.3",
        pause="3.10",
        containerd="2.0.4",
        runc="1.2.6",
        cni_plugins="1.5.1",
        crictl="1.34.0",
        flannel="0.25.7",
        flannel_cni_plugin_tag="1.5.1-flannel2",
        registry="3.0.0",
    ),
}

PLATFORM_VERSION: Final = "1.31.4"
"""The release whose platform part `roost up` runs: the newest one."""

_VERSION = re.compile(r"v?(1\.[0-9]+)\.([0-9]+)")


def normalize(version: str) -> str:
    """`v1.31.4` and `1.31.4` to `1.31.4`. Raises VersionUnsupported for anything else."""
    if not _VERSION.fullmatch(version):
        raise VersionUnsupported(
            f"{version!r} is not a Kubernetes version; write it as {PLATFORM_VERSION}, with its patch number"
        )
    return version.removeprefix("v")


def release(version: str) -> Release:
    """The row of a version; a patch release that has none takes its minor's. Raises VersionUnsupported."""
    wanted = normalize(version)
    exact = RELEASES.get(wanted)
    if exact is not None:
        return exact
    for row in RELEASES.values():
        if wanted.rpartition(".")[0] == row.minor:
            return replace(row, kubernetes=wanted, tested=False)
    minors = ", ".join(row.minor for row in RELEASES.values())
    raise VersionUnsupported(
        f"Kubernetes {wanted} is not supported by this roost; supported are {minors} (tested: {', '.join(RELEASES)})"
    )
