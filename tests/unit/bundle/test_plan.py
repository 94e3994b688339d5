"""What a wish lacks: decided without network."""

from __future__ import annotations

from pathlib import Path

import pytest

from roost.bundle import agentimage, versions, vipimage
from roost.bundle.create import Wish, missing, same_components
from roost.bundle.errors import ArchitectureMissing, BundleMissing, BundleRefused, UpstreamRefused
from roost.bundle.probe import probe_path
from roost.bundle.pull import Reference
from roost.bundle.store import Store
from roost.bundle.versions import PARTS
from tests.unit.bundle import made

ROW = versions.release("1.31.4")


def test_a_new_bundle_lacks_everything_of_its_parts() -> None:
    lacking = missing(Wish(ROW, ("amd64",), frozenset({"platform"})), None)
    assert {each.name for each in lacking.sources} == {
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kubectl",
        "registry",
    }
    assert lacking.probes == ()
    assert not lacking.images


def test_a_platform_is_completed_without_fetching_it_again(tmp_path: Path) -> None:
    bundle = made.bundle(tmp_path, parts=frozenset({"platform"}))
    lacking = missing(Wish(ROW, ("amd64",), frozenset(PARTS)), bundle)
    names = {each.name for each in lacking.sources}
    assert "kubelet" in names
    assert not {"etcd", "kubectl"} & names
    assert lacking.probes == ("amd64",)
    assert lacking.images
    assert lacking.parts == {"amd64": frozenset(PARTS)}


def test_another_architecture_keeps_the_first_ones_parts(tmp_path: Path) -> None:
    bundle = made.bundle(tmp_path)
    lacking = missing(Wish(ROW, ("arm64",), frozenset({"machine"})), bundle)
    assert lacking.parts == {"amd64": frozenset(PARTS), "arm64": frozenset({"machine"})}
    assert {each.architecture for each in lacking.sources if each.name == "kubectl"} == {"arm64"}


def test_an_image_more_is_lacking_until_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = made.bundle(tmp_path)
    for own in (vipimage, agentimage):
        # roost's own images stand in every complete bundle.
        monkeypatch.setattr(own, "name", lambda: made.PAUSE)
    wish = Wish(ROW, ("amd64",), frozenset(PARTS), extra_images=(made.PAUSE,))
    assert not missing(wish, bundle).images
    other = Wish(ROW, ("amd64",), frozenset(PARTS), extra_images=("example.com/x:1",))
    assert missing(other, bundle).images


def test_a_bundle_of_another_table_takes_no_additions(tmp_path: Path) -> None:
    with pytest.raises(BundleRefused, match=r"runc none \(now 1\.2\.6\)"):
        same_components(made.bundle(tmp_path), ROW)


def test_a_missing_bundle_names_the_present_ones_and_the_remedy(tmp_path: Path) -> None:
    made.bundle(tmp_path / "1.30.4", "1.30.4")
    with pytest.raises(BundleMissing, match=r"present: 1\.30\.4.*roost bundle create --kubernetes 1\.31\.4"):
        Store(tmp_path).get("v1.31.4")
    assert Store(tmp_path).find("1.31.4") is None


def test_versions_are_in_order_and_unfinished_ones_are_not_listed(tmp_path: Path) -> None:
    for version in ("1.31.4", "1.9.1", "1.28.15"):
        made.bundle(tmp_path / version, version)
    (tmp_path / ".incoming-1.29.15").mkdir()
    (tmp_path / "1.30.4").mkdir()
    assert Store(tmp_path).versions() == ("1.9.1", "1.28.15", "1.31.4")
    assert Store(tmp_path / "none").list() == []


def test_a_broken_bundle_does_not_hide_the_others(tmp_path: Path) -> None:
    made.bundle(tmp_path / "1.30.4", "1.30.4")
    made.bundle(tmp_path / "1.31.4")
    (tmp_path / "1.31.4" / "index.json").write_text("{")
    store = Store(tmp_path)
    assert [bundle.version for bundle in store.list()] == ["1.30.4"]
    assert list(store.problems()) == ["1.31.4"]


def test_unknown_architectures_are_named(tmp_path: Path) -> None:
    with pytest.raises(ArchitectureMissing, match=r"mips is not supported; supported are amd64, arm64"):
        Store(tmp_path).create("1.31.4", ["amd64", "mips"])


def test_the_probe_says_how_it_is_built(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="`make helper` builds it"):
        probe_path("amd64", tmp_path)


def test_images_are_named_in_full() -> None:
    assert Reference.parse("registry.k8s.io/coredns/coredns:v1") == Reference(
        "registry.k8s.io", "coredns/coredns", "v1"
    )
    assert Reference.parse("localhost:5000/x:1").host == "localhost:5000"
    for name in ("busybox", "busybox:1", "library/busybox:1", "registry.k8s.io/pause", "a.b/c@sha256:0"):
        with pytest.raises(UpstreamRefused, match="full image name"):
            Reference.parse(name)
