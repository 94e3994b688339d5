"""The literal table of what belongs to each Kubernetes version that the lab can build.

Read by every other part of the build and by tests. A row states what kubeadm of that version
asks for (etcd, CoreDNS, pause) and which runtime and network go with it; `check_image_list`
compares the row with what the built kubeadm itself prints, so a wrong row fails the build.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from lab.build.failure import BuildError

DEFAULT_KUBERNETES = "1.31.4"
ARCHITECTURE = "amd64"
TEST_IMAGE = "registry.k8s.io/e2e-test-images/busybox:1.36"


@dataclass(frozen=True)
class Release:
    """One Kubernetes version and the companions that are built with it."""

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
    flannel_cni_plugin: str
    flannel_cni_plugin_tag: str
    registry: str

    @property
    def minor(self) -> int:
        return int(self.kubernetes.split(".")[1])

    def images(self) -> dict[str, str]:
        """Image name by the program it carries; names and tags exactly as upstream."""
        kubernetes = {name: f"registry.k8s.io/{name}:v{self.kubernetes}" for name in CONTROL_PLANE_IMAGES}
        return {
            **kubernetes,
            "coredns": f"registry.k8s.io/coredns/coredns:v{self.coredns}",
            "pause": f"registry.k8s.io/pause:{self.pause}",
            "etcd": f"registry.k8s.io/etcd:{self.etcd_tag}",
            "flannel": f"docker.io/flannel/flannel:v{self.flannel}",
            "flannel-cni-plugin": (f"docker.io/flannel/flannel-cni-plugin:v{self.flannel_cni_plugin_tag}"),
            "busybox": TEST_IMAGE,
        }

    def kubeadm_images(self) -> set[str]:
        """What `kubeadm config images list` of this version has to print."""
        own = (*CONTROL_PLANE_IMAGES, "coredns", "pause", "etcd")
        return {image for name, image in self.images().items() if name in own}


CONTROL_PLANE_IMAGES = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
)

RELEASES: dict[str, Release] = {
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
        flannel_cni_plugin="0.1.0",
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
        flannel_cni_plugin="0.1.0",
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
        flannel_cni_plugin="0.1.0",
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
        flannel_cni_plugin="0.1.0",
        flannel_cni_plugin_tag="1.5.1-flannel2",
        registry="3.0.0",
    ),
}


def release(kubernetes: str) -> Release:
    """The row of a version; names the known ones when there is none."""
    row = RELEASES.get(kubernetes.removeprefix("v"))
    if row is None:
        raise BuildError(
            step="choose the Kubernetes version",
            cause=f"{kubernetes} is not in the lab's table",
            evidence=f"known versions: {', '.join(RELEASES)}",
            remedy="take one of these, or add a row to lab/build/versions.py",
        )
    return row


def check_image_list(row: Release, printed: str) -> None:
    """Compare the row with the output of that version's `kubeadm config images list`."""
    asked = {line.strip() for line in printed.splitlines() if line.strip()}
    known = row.kubeadm_images()
    if asked != known:
        raise BuildError(
            step=f"compare the image table with kubeadm {row.kubernetes}",
            cause="kubeadm asks for other images than the table holds",
            evidence=(f"only kubeadm: {sorted(asked - known)}; only the table: {sorted(known - asked)}"),
            remedy=f"correct the row of {row.kubernetes} in lab/build/versions.py",
        )


def empty_fields(row: Release) -> list[str]:
    """Fields of a row that are empty; there must be none."""
    return [field.name for field in fields(row) if not getattr(row, field.name)]
