"""The lab's table and recipes: complete, consistent, and compared with what kubeadm prints."""

from __future__ import annotations

from dataclasses import fields

import pytest

from lab.build import recipes
from lab.build.failure import BuildError
from lab.build.versions import RELEASES, check_image_list, empty_fields, release
from roost.bundle import versions as roost_versions


@pytest.mark.parametrize("version", list(RELEASES))
def test_a_row_is_complete_and_stands_under_its_version(version: str) -> None:
    row = RELEASES[version]
    assert row.kubernetes == version
    assert empty_fields(row) == []


@pytest.mark.parametrize("version", list(RELEASES))
def test_the_etcd_that_is_built_is_the_one_that_the_tag_names(version: str) -> None:
    row = RELEASES[version]
    assert row.etcd_tag.rsplit("-", 1)[0] == row.etcd


@pytest.mark.parametrize("version", list(RELEASES))
def test_containerd_two_comes_with_kubernetes_1_30_and_later(version: str) -> None:
    row = RELEASES[version]
    assert row.containerd.startswith("2." if row.minor >= 30 else "1.7.")


@pytest.mark.parametrize("version", list(RELEASES))
def test_every_group_has_a_recipe_with_programs_and_a_key_of_its_own(version: str) -> None:
    each = recipes.recipes_of(RELEASES[version])
    assert {one.name for one in each} == set(recipes.MAKERS)
    assert len({one.key for one in each}) == len(each)
    assert all(one.programs and (one.modules or one.own) for one in each)


def test_a_version_may_be_written_with_its_v() -> None:
    assert release("v1.31.4") is RELEASES["1.31.4"]


def test_an_unknown_version_names_the_known_ones() -> None:
    with pytest.raises(BuildError, match=r"1\.31\.4"):
        release("1.19.0")


def test_the_image_list_of_kubeadm_must_be_that_of_the_table() -> None:
    row = RELEASES["1.31.4"]
    printed = """
    registry.k8s.io/kube-apiserver:v1.31.4
    registry.k8s.io/kube-controller-manager:v1.31.4
    registry.k8s.io/kube-scheduler:v1.31.4
    registry.k8s.io/kube-proxy:v1.31.4
    registry.k8s.io/coredns/coredns:v1.11.3
    registry.k8s.io/pause:3.10
    registry.k8s.io/etcd:3.5.15-0
    """
    check_image_list(row, printed)
    with pytest.raises(BuildError) as caught:
        check_image_list(row, printed.replace("pause:3.10", "pause:3.9"))
    assert "registry.k8s.io/pause:3.9" in str(caught.value)
    assert "registry.k8s.io/pause:3.10" in str(caught.value)


def test_the_key_of_a_recipe_changes_with_the_recipe_and_not_with_estimates() -> None:
    first = recipes.etcd("3.5.15")
    as_before = recipes.Recipe(**{**first.__dict__, "expected_seconds": 1, "work_bytes": 1})
    other = recipes.Recipe(**{**first.__dict__, "tags": ("x",)})
    assert as_before.key == first.key
    assert other.key != first.key
    assert first.key.startswith("etcd-3.5.15-")


@pytest.mark.parametrize(
    ("program", "group"),
    [("kubeadm", "kubernetes"), ("etcdctl", "etcd"), ("ctr", "containerd"), ("bridge", "cni-plugins")],
)
def test_a_program_is_found_in_its_group(program: str, group: str) -> None:
    assert recipes.group_of(program) == group


def test_an_unknown_program_is_an_error_that_names_it() -> None:
    with pytest.raises(BuildError, match="kube-vip"):
        recipes.group_of("kube-vip")


@pytest.mark.parametrize("version", list(RELEASES))
def test_the_product_installs_what_the_lab_builds(version: str) -> None:
    row, installed = RELEASES[version], roost_versions.RELEASES[version]
    shared = {field.name for field in fields(row)} & {field.name for field in fields(installed)}
    assert {"etcd_tag", "containerd", "runc", "cni_plugins", "flannel"} <= shared
    assert {name: getattr(row, name) for name in shared} == {name: getattr(installed, name) for name in shared}
