from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from roost.bundle import artifact
from roost.bundle.errors import BundleDamaged, BundleRefused, ChecksumMismatch
from roost.bundle.layout import OCI_INDEX, Descriptor, Layout, check_digest
from tests.unit.bundle import made


@pytest.mark.parametrize(
    "digest", ["sha256:../../etc/passwd", "sha512:" + "a" * 64, "a" * 64, "sha256:" + "A" * 64, "sha256:" + "a" * 63]
)
def test_only_digests_become_file_names(digest: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a sha256 digest"):
        check_digest(digest)
    with pytest.raises(BundleDamaged):
        Descriptor.parse({"mediaType": OCI_INDEX, "digest": digest, "size": 1})


def test_a_bundle_opens_as_it_was_written(tmp_path: Path) -> None:
    bundle = made.bundle(tmp_path, architectures=("amd64", "arm64"))
    assert bundle.architectures == ("amd64", "arm64")
    assert [(each.architecture, each.name) for each in bundle.programs] == [
        (architecture, name) for architecture in ("amd64", "arm64") for name in ("etcd", "kubectl", "kubelet")
    ]
    kubelet = bundle.program("kubelet", "arm64")
    assert bundle.blob(kubelet.digest).read_bytes() == b"kubelet arm64"
    assert kubelet.members[0].sha256 == kubelet.digest.removeprefix("sha256:")
    assert bundle.manifest("flannel") == b"flannel"
    assert {image.architecture for image in bundle.images} == {"amd64", "arm64"}
    assert len({image.index_digest for image in bundle.images}) == 1
    assert len({image.manifest_digest for image in bundle.images}) == 2


def test_equal_content_gives_an_equal_bundle(tmp_path: Path) -> None:
    assert made.bundle(tmp_path / "a").digest == made.bundle(tmp_path / "b").digest


def test_with_the_platform_part_alone_no_machine_can_be_installed(tmp_path: Path) -> None:
    bundle = made.bundle(tmp_path, parts=frozenset({"platform"}))
    assert bundle.architectures == ()
    assert bundle.has("platform", "amd64")
    assert not bundle.has("machine", "amd64")
    with pytest.raises(KeyError):
        bundle.program("kubelet", "amd64")


def test_a_lacking_architecture_is_named_with_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"kubelet for arm64.*amd64"):
        made.bundle(tmp_path).program("kubelet", "arm64")


def test_children_that_are_not_ours_are_not_required(tmp_path: Path) -> None:
    bundle = made.bundle(tmp_path)
    required = artifact.required(Layout(tmp_path), bundle.architectures)
    assert f"sha256:{'a' * 64}" not in required
    blobs = {f"sha256:{path.name}" for path in Layout(tmp_path).blobs.iterdir()}
    assert set(required) == blobs


def test_a_bundle_of_a_newer_roost_is_refused(tmp_path: Path) -> None:
    bundle = made.bundle(tmp_path)
    layout = Layout(tmp_path)
    release, *others = layout.index()
    manifest = layout.read_document(release.digest)
    config = layout.read_document(manifest["config"]["digest"]) | {"schema": 99}
    manifest["config"] = layout.write_document(config, artifact.RELEASE_TYPE).document()
    written = layout.write_document(manifest, release.media_type)
    layout.write_index((Descriptor(release.media_type, written.digest, written.size, release.annotations), *others))
    with pytest.raises(BundleRefused, match="made by a newer roost"):
        artifact.open_bundle(bundle.path)


def test_an_image_layout_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    Layout(tmp_path).prepare()
    Layout(tmp_path).write_index(())
    with pytest.raises(BundleRefused, match="not a roost bundle"):
        artifact.open_bundle(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"manifests": [{"digest": "x"}]}'])
def test_a_broken_index_is_damage(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "index.json").write_bytes(content)
    with pytest.raises(BundleDamaged):
        artifact.open_bundle(tmp_path)


def test_a_missing_document_names_the_blob_and_the_remedy(tmp_path: Path) -> None:
    bundle = made.bundle(tmp_path)
    release = Layout(tmp_path).index()[0]
    bundle.blob(release.digest).unlink()
    with pytest.raises(BundleDamaged, match=f"{release.digest} is missing; run `roost bundle create"):
        artifact.open_bundle(tmp_path)


def _archive(path: Path, names: list[str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = 3
            entry.mode = 0o755
            archive.addfile(entry, io.BytesIO(b"abc"))
    return path


def test_members_are_the_regular_files_below_strip(tmp_path: Path) -> None:
    path = _archive(tmp_path / "a.tgz", ["./etcd-v1/etcd", "etcd-v1/doc/README.md"])
    members = artifact.members_of(path, "etcd", strip=1)
    assert [(each.path, each.mode, each.size) for each in members] == [
        ("doc/README.md", 0o755, 3),
        ("etcd", 0o755, 3),
    ]
    assert members[0].sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("name", ["../etc/passwd", "/etc/passwd", "bin/../../x"])
def test_unsafe_paths_in_archives_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ChecksumMismatch, match="unsafe path"):
        artifact.members_of(_archive(tmp_path / "a.tgz", [name]), "x", strip=0)


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = _archive(tmp_path / "a.tgz", ["bin/a"])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ChecksumMismatch, match="can't be read"):
        artifact.members_of(path, "x", strip=0)


def test_documents_are_written_in_one_way_only(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.prepare()
    first = layout.write_document({"b": 1, "a": "ü"}, "x")
    assert first == layout.write_document({"a": "ü", "b": 1}, "x")
    assert json.loads(layout.read(first.digest)) == {"a": "ü", "b": 1}
