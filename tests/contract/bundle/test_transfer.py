"""Checking, repairing and moving bundles."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from roost.bundle.errors import BundleDamaged, BundleMissing, BundleRefused
from roost.bundle.store import Store
from tests.contract.bundle.conftest import Maker


def test_each_damaged_blob_is_named_with_what_it_is(maker: Maker) -> None:
    bundle = maker.create()
    kubelet, runc, crictl = (bundle.program(name, "amd64") for name in ("kubelet", "runc", "crictl"))
    content = bundle.blob(kubelet.digest).read_bytes()
    bundle.blob(kubelet.digest).write_bytes(b"X" + content[1:])
    bundle.blob(runc.digest).write_bytes(b"")
    bundle.blob(crictl.digest).unlink()
    report = maker.store.verify("1.31.4")
    found = {each.digest: (each.content.split()[1], each.problem) for each in report.damaged}
    assert found == {
        kubelet.digest: ("kubelet", "wrong digest"),
        runc.digest: ("runc", "wrong size"),
        crictl.digest: ("crictl", "missing"),
    }


def test_a_repair_fetches_what_is_damaged_and_nothing_else(maker: Maker) -> None:
    bundle = maker.create()
    bundle.blob(bundle.program("kubelet", "amd64").digest).write_bytes(b"torn")
    maker.mirror.requests.clear()
    repaired = maker.create(repair=True)
    assert repaired == bundle
    assert maker.store.verify("1.31.4").sound
    asked = {path.rpartition("/")[2] for path, _ in maker.mirror.requests}
    assert "kubelet" in asked
    assert not {"kubectl", "kubeadm", "kube-apiserver"} & asked


def test_goes_into_one_file_and_comes_out_the_same(maker: Maker, tmp_path: Path) -> None:
    bundle = maker.create("amd64", "arm64")
    file = tmp_path / "roost.tar"
    digest = maker.store.export("1.31.4", file)
    assert digest == maker.store.export("1.31.4", tmp_path / "again.tar")
    other = Store(tmp_path / "other")
    imported = other.import_(file)
    assert imported.digest == bundle.digest
    assert other.verify("1.31.4").sound
    assert other.export("1.31.4", tmp_path / "third.tar") == digest
    assert other.import_(file).digest == bundle.digest  # Once more does no harm.


def test_the_same_release_made_twice_exports_the_same_bytes(maker: Maker, tmp_path: Path) -> None:
    maker.create()
    first = maker.store.export("1.31.4", tmp_path / "1.tar")
    maker.store.remove("1.31.4")
    maker.create(jobs=1)
    assert maker.store.export("1.31.4", tmp_path / "2.tar") == first


def _rewrite(file: Path, change: Callable[[str, bytes], list[tuple[str, bytes]]]) -> Path:
    target = file.with_name("changed.tar")
    with tarfile.open(file) as source, tarfile.open(target, "w") as written:
        for entry in source:
            stream = source.extractfile(entry)
            assert stream is not None
            for name, content in change(entry.name, stream.read()):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                written.addfile(info, io.BytesIO(content))
    return target


def _flip(name: str, content: bytes) -> list[tuple[str, bytes]]:
    return [(name, bytes([content[0] ^ 1]) + content[1:] if name.startswith("blobs/") else content)]


def _drop_first_blob() -> Callable[[str, bytes], list[tuple[str, bytes]]]:
    dropped: list[str] = []

    def change(name: str, content: bytes) -> list[tuple[str, bytes]]:
        if name.startswith("blobs/") and not dropped and not content.startswith(b"{"):
            dropped.append(name)
            return []
        return [(name, content)]

    return change


def _escape(name: str, content: bytes) -> list[tuple[str, bytes]]:
    return [(name, content), ("../outside", b"x")] if name == "oci-layout" else [(name, content)]


def _no_index(name: str, content: bytes) -> list[tuple[str, bytes]]:
    return [] if name == "index.json" else [(name, content)]


def _other_layout(name: str, content: bytes) -> list[tuple[str, bytes]]:
    return [(name, b'{"imageLayoutVersion":"9"}' if name == "oci-layout" else content)]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (_flip, BundleDamaged, "is damaged: its bytes have"),
        (_drop_first_blob(), BundleDamaged, "the file is incomplete"),
        (_escape, BundleRefused, "which no bundle has"),
        (_no_index, BundleDamaged, "it is not a bundle"),
        (_other_layout, BundleRefused, "unknown version"),
    ],
)
def test_a_changed_file_is_refused_and_leaves_nothing(
    maker: Maker,
    tmp_path: Path,
    change: Callable[[str, bytes], list[tuple[str, bytes]]],
    error: type[Exception],
    message: str,
) -> None:
    maker.create()
    maker.store.export("1.31.4", tmp_path / "good.tar")
    other = Store(tmp_path / "other")
    with pytest.raises(error, match=message):
        other.import_(_rewrite(tmp_path / "good.tar", change))
    assert list(other.path.iterdir()) == []
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("content", [b"", b"not a tar", b"\0" * 600])
def test_a_file_that_is_no_bundle_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises((BundleDamaged, BundleRefused)):
        Store(tmp_path / "store").import_(tmp_path / "x.tar")


def test_a_truncated_file_is_refused(maker: Maker, tmp_path: Path) -> None:
    maker.create()
    file = tmp_path / "x.tar"
    maker.store.export("1.31.4", file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(BundleDamaged):
        Store(tmp_path / "other").import_(file)


def test_another_bundle_of_the_version_is_not_overwritten(maker: Maker, tmp_path: Path) -> None:
    maker.create("amd64", "arm64")
    maker.store.export("1.31.4", tmp_path / "both.tar")
    maker.store.remove("1.31.4")
    maker.create("amd64")
    with pytest.raises(BundleRefused, match=r"another bundle of 1\.31\.4 already.*roost bundle remove"):
        maker.store.import_(tmp_path / "both.tar")


def test_removed_is_gone(maker: Maker) -> None:
    maker.create()
    maker.store.remove("v1.31.4")
    assert maker.store.versions() == ()
    with pytest.raises(BundleMissing):
        maker.store.remove("1.31.4")
