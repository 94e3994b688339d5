from __future__ import annotations

import pytest

from roost.bundle import images, upstream, versions
from roost.bundle.errors import ImageListDiffers
from roost.bundle.versions import ImageName

HEX = "0123456789abcdef" * 4
ROW = versions.release("1.31.4")

EXPECTED = {
    "kubeadm": ("dl.k8s.io/v1.31.4/bin/linux/arm64/kubeadm", ".sha256"),
    "kube-apiserver": ("dl.k8s.io/v1.31.4/bin/linux/arm64/kube-apiserver", ".sha256"),
    "containerd": (
        "github.com/containerd/containerd/releases/download/v2.0.4/containerd-2.0.4-linux-arm64.tar.gz",
        ".sha256sum",
    ),
    "runc": ("github.com/opencontainers/runc/releases/download/v1.2.6/runc.arm64", "runc.sha256sum"),
    "cni-plugins": (
        "github.com/containernetworking/plugins/releases/download/v1.5.1/cni-plugins-linux-arm64-v1.5.1.tgz",
        ".sha256",
    ),
    "crictl": (
        "github.com/kubernetes-sigs/cri-tools/releases/download/v1.34.0/crictl-v1.34.0-linux-arm64.tar.gz",
        ".sha256",
    ),
    "etcd": (
        "github.com/etcd-io/etcd/releases/download/v3.5.15/etcd-v3.5.15-linux-arm64.tar.gz",
        "SHA256SUMS",
    ),
    "registry": (
        "github.com/distribution/distribution/releases/download/v3.0.0/registry_3.0.0_linux_arm64.tar.gz",
        ".sha256",
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_paths_are_those_of_the_upstream_sites(name: str) -> None:
    source = next(each for each in upstream.sources(ROW, "arm64") if each.name == name)
    path, checksum = EXPECTED[name]
    assert f"{source.host}/{source.path}" == path
    folder = path.rpartition("/")[0]
    wanted = f"{path}{checksum}" if checksum.startswith(".") else f"{folder}/{checksum}"
    assert f"{source.host}/{source.checksum_path}" == wanted


def test_a_mirror_has_the_host_as_its_first_folder() -> None:
    assert upstream.url("dl.k8s.io", "v1/x", mirror=None) == "https://dl.k8s.io/v1/x"
    assert upstream.url("dl.k8s.io", "v1/x", mirror="http://m:1/") == "http://m:1/dl.k8s.io/v1/x"


def test_the_platform_part_is_what_up_runs() -> None:
    platform = {each.name for each in upstream.sources(ROW, "amd64") if "platform" in each.parts}
    assert platform == {"etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "registry"}
    machine = {each.name for each in upstream.sources(ROW, "amd64") if "machine" in each.parts}
    assert machine == {"kubeadm", "kubelet", "kubectl", "containerd", "runc", "cni-plugins", "crictl"}


@pytest.mark.parametrize(
    "text",
    [
        HEX,
        f"{HEX}\n",
        f"{HEX}  runc.amd64\n",
        f"{HEX} *runc.amd64\n",
        f"{'f' * 64}  runc.amd64.asc\n{HEX}  runc.amd64\n",
        f"{HEX}  ./release/runc.amd64\n",
        f"{HEX.upper()}  runc.amd64\n",
        f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: X\n\n{HEX} *runc.amd64\n-----BEGIN PGP SIGNATURE-----\n",
    ],
)
def test_reads_every_form_of_checksum_file(text: str) -> None:
    assert upstream.checksum_of(text, "runc.amd64") == HEX


@pytest.mark.parametrize(
    "text", ["", "<html>404</html>", f"{HEX}  runc.arm64\n", f"{HEX[:40]}  runc.amd64\n", f"{HEX}\n{HEX}\n"]
)
def test_a_file_without_the_checksum_gives_none(text: str) -> None:
    assert upstream.checksum_of(text, "runc.amd64") is None


def test_what_kubeadm_prints_is_sorted_by_purpose() -> None:
    printed = upstream.parse_image_list("\n".join(image.name for image in ROW.kubeadm_images()) + "\n")
    assert printed == ROW.kubeadm_images()


def test_kubeadm_and_the_table_must_agree_for_a_tested_version() -> None:
    other = (*ROW.kubeadm_images()[:-1], ImageName("registry.k8s.io/etcd:3.9.9-0", "control-plane"))
    with pytest.raises(ImageListDiffers, match=r"only kubeadm: .*etcd:3.9.9-0; only the table: .*etcd:3.5.15-0"):
        images.choose(ROW, other)
    assert images.choose(ROW, ROW.kubeadm_images()) == ROW.kubeadm_images()
    assert images.choose(ROW, None) == ROW.kubeadm_images()


def test_kubeadm_is_believed_for_another_patch() -> None:
    row = versions.release("1.31.9")
    other = tuple(image for image in row.kubeadm_images() if "pause" not in image.name)
    other = (*other, ImageName("registry.k8s.io/pause:3.11", "node"))
    assert images.choose(row, other) == other
    assert upstream.components_from(other, row)["pause"] == "3.11"


def test_flannels_images_are_those_of_its_manifest() -> None:
    manifest = b"""
spec:
  template:
    spec:
      initContainers:
      - {name: install, image: docker.io/flannel/flannel-cni-plugin:v1}
      - {name: conf, image: docker.io/flannel/flannel:v2}
      containers:
      - {name: run, image: docker.io/flannel/flannel:v2}
---
kind: ConfigMap
data: {image.json: "{}"}
"""
    assert [each.name for each in images.flannel_images(manifest)] == [
        "docker.io/flannel/flannel-cni-plugin:v1",
        "docker.io/flannel/flannel:v2",
    ]
