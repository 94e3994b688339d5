"""Paths and checksum files of the mirror, as the upstream sites have them."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest

from lab.build import cache, layout, programs, recipes
from lab.build.failure import BuildError
from lab.build.recipes import Recipe


@pytest.fixture(autouse=True)
def lab_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROOST_LAB_CACHE", str(tmp_path))
    return tmp_path


def pretend_built(recipe: Recipe) -> None:
    folder = programs.folder(recipe)
    folder.mkdir(parents=True)
    for name, _ in recipe.programs:
        (folder / name).write_bytes(f"program {name}".encode())
        (folder / name).chmod(0o755)
    (folder / programs.RECORD).write_text("{}")


def published(recipe: Recipe) -> Path:
    pretend_built(recipe)
    layout.publish(recipe)
    return cache.mirror_root() / "files"


@pytest.mark.parametrize(
    ("group", "version", "paths"),
    [
        (
            "etcd",
            "3.5.15",
            [
                "github.com/etcd-io/etcd/releases/download/v3.5.15/etcd-v3.5.15-linux-amd64.tar.gz",
                "github.com/etcd-io/etcd/releases/download/v3.5.15/SHA256SUMS",
            ],
        ),
        (
            "containerd",
            "2.0.4",
            [
                "github.com/containerd/containerd/releases/download/v2.0.4/containerd-2.0.4-linux-amd64.tar.gz",
                "github.com/containerd/containerd/releases/download/v2.0.4/"
                "containerd-2.0.4-linux-amd64.tar.gz.sha256sum",
            ],
        ),
        (
            "runc",
            "1.2.6",
            [
                "github.com/opencontainers/runc/releases/download/v1.2.6/runc.amd64",
                "github.com/opencontainers/runc/releases/download/v1.2.6/runc.sha256sum",
            ],
        ),
        (
            "cni-plugins",
            "1.5.1",
            [
                "github.com/containernetworking/plugins/releases/download/v1.5.1/cni-plugins-linux-amd64-v1.5.1.tgz",
                "github.com/containernetworking/plugins/releases/download/v1.5.1/"
                "cni-plugins-linux-amd64-v1.5.1.tgz.sha256",
            ],
        ),
        (
            "crictl",
            "1.34.0",
            [
                "github.com/kubernetes-sigs/cri-tools/releases/download/v1.34.0/crictl-v1.34.0-linux-amd64.tar.gz",
                "github.com/kubernetes-sigs/cri-tools/releases/download/v1.34.0/"
                "crictl-v1.34.0-linux-amd64.tar.gz.sha256",
            ],
        ),
        (
            "registry",
            "3.0.0",
            [
                "github.com/distribution/distribution/releases/download/v3.0.0/registry_3.0.0_linux_amd64.tar.gz",
                "github.com/distribution/distribution/releases/download/v3.0.0/"
                "registry_3.0.0_linux_amd64.tar.gz.sha256",
            ],
        ),
        ("flannel", "0.25.7", ["github.com/flannel-io/flannel/releases/download/v0.25.7/kube-flannel.yml"]),
        ("coredns", "1.11.3", []),
    ],
)
def test_paths_are_those_of_upstream(group: str, version: str, paths: list[str]) -> None:
    assert layout.paths_of(group, version) == paths


def test_kubernetes_programs_stand_beside_a_bare_digest() -> None:
    files = published(recipes.kubernetes("1.31.4"))
    folder = files / "dl.k8s.io/v1.31.4/bin/linux/amd64"
    wanted = hashlib.sha256(b"program kubeadm").hexdigest()
    assert (folder / "kubeadm").read_bytes() == b"program kubeadm"
    assert (folder / "kubeadm.sha256").read_text() == wanted
    assert all((files / path).is_file() for path in layout.paths_of("kubernetes", "1.31.4"))


def test_etcd_lies_in_a_folder_and_its_sums_are_checkable() -> None:
    files = published(recipes.etcd("3.5.15"))
    archive = files / layout.paths_of("etcd", "3.5.15")[0]
    with tarfile.open(archive) as opened:
        assert "etcd-v3.5.15-linux-amd64/etcdctl" in opened.getnames()
        assert opened.getmember("etcd-v3.5.15-linux-amd64/etcd").mode == 0o755
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert (archive.parent / "SHA256SUMS").read_text() == f"{digest}  {archive.name}\n"


def test_cni_plugins_lie_at_the_top() -> None:
    archive = published(recipes.cni_plugins("1.5.1")) / layout.paths_of("cni-plugins", "1.5.1")[0]
    with tarfile.open(archive) as opened:
        assert {"./bridge", "./host-local", "./loopback", "./portmap"} <= set(opened.getnames())


def test_runc_is_no_archive() -> None:
    files = published(recipes.runc("1.2.6"))
    program, sums = (files / path for path in layout.paths_of("runc", "1.2.6"))
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    assert sums.read_text() == f"{digest} *runc.amd64\n"


def test_a_published_group_is_published_again_only_when_its_recipe_changed() -> None:
    recipe = recipes.runc("1.2.6")
    published(recipe)
    assert layout.is_published(recipe)
    assert not layout.is_published(Recipe(**{**recipe.__dict__, "tags": ()}))


def test_the_path_of_a_program_and_the_error_where_it_is_not_built() -> None:
    recipe = recipes.etcd("3.5.16")
    with pytest.raises(BuildError, match=r"--kubernetes 1\.29\.15"):
        programs.path("etcdctl", "3.5.16")
    pretend_built(recipe)
    assert programs.path("etcdctl", "3.5.16").read_bytes() == b"program etcdctl"
