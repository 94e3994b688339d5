from __future__ import annotations

import pytest

from roost.bundle import versions
from roost.bundle.errors import VersionUnsupported


@pytest.mark.parametrize("version", ["1.28.15", "1.29.15", "1.30.4", "1.31.4"])
def test_tested_versions_have_a_row_of_their_own(version: str) -> None:
    row = versions.release(f"v{version}")
    assert row.tested
    assert row.kubernetes == version == row.components()["kubernetes"]


def test_another_patch_takes_its_minors_row() -> None:
    row = versions.release("1.30.9")
    assert not row.tested
    assert row.containerd == versions.release("1.30.4").containerd
    assert row.kubeadm_images()[0].name == "registry.k8s.io/kube-apiserver:v1.30.9"


def test_old_runtimes_go_with_old_versions() -> None:
    assert versions.release("1.28.15").containerd.startswith("1.7.")
    assert versions.release("1.30.4").containerd.startswith("2.0.")


@pytest.mark.parametrize("version", ["1.27.3", "2.31.4", "1.31", "latest", "1.31.4-rc.1", "", "../1.31.4"])
def test_anything_else_is_refused_with_what_is_supported(version: str) -> None:
    with pytest.raises(VersionUnsupported, match=r"1\.31"):
        versions.release(version)


def test_the_platform_runs_the_newest_release() -> None:
    assert list(versions.RELEASES)[-1] == versions.PLATFORM_VERSION
