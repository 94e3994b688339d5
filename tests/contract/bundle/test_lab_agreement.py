"""The bundle's table and paths are those of the lab, which lays its builds out as upstream does."""

from __future__ import annotations

import pytest

from lab.build import layout as lab_layout
from lab.build import recipes
from lab.build import versions as lab_versions
from roost.bundle import upstream, versions

SHARED = (
    "kubernetes",
    "etcd",
    "etcd_tag",
    "coredns",
    "pause",
    "containerd",
    "runc",
    "cni_plugins",
    "crictl",
    "flannel",
    "flannel_cni_plugin_tag",
    "registry",
)


def test_both_know_the_same_versions() -> None:
    assert set(versions.RELEASES) == set(lab_versions.RELEASES)


@pytest.mark.parametrize("version", versions.RELEASES)
def test_rows_agree(version: str) -> None:
    ours, labs = versions.release(version), lab_versions.release(version)
    assert {name: getattr(ours, name) for name in SHARED} == {name: getattr(labs, name) for name in SHARED}
    assert {image.name for image in ours.kubeadm_images()} == labs.kubeadm_images()
    assert {image.name for image in ours.flannel_images()} <= set(labs.images().values())


@pytest.mark.parametrize("version", versions.RELEASES)
def test_the_lab_serves_every_path_that_a_bundle_asks_for(version: str) -> None:
    row = versions.release(version)
    served = {
        path
        for recipe in recipes.recipes_of(lab_versions.release(version))
        for path in lab_layout.paths_of(recipe.name, recipe.version)
    }
    asked = {f"github.com/{upstream.flannel_path(row)}"}
    for source in upstream.sources(row, lab_versions.ARCHITECTURE):
        asked |= {f"{source.host}/{source.path}", f"{source.host}/{source.checksum_path}"}
    assert asked <= served
