"""Archives that come out the same each time, and images whose digests hold together."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from lab.build import cache, images, imagespecs, parts
from lab.build.imagespecs import ImageSpec, Layer, Runtime
from lab.build.progress import Progress
from lab.build.registry import Store
from lab.build.tarball import Entry, folders_of, write_gzip
from lab.build.versions import RELEASES


@pytest.fixture(autouse=True)
def lab_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROOST_LAB_CACHE", str(tmp_path))
    return tmp_path


def quiet() -> Progress:
    return Progress(total=1, write=lambda _line: None)


def test_the_same_content_gives_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"x" * 10_000)
    entries = [
        Entry("bin/b", source=program),
        Entry("bin", 0o755),
        Entry("bin/a", link="b"),
        Entry("etc/c", 0o644, content=b"c"),
    ]
    first = write_gzip(tmp_path / "1.tar.gz", entries)
    program.touch()
    second = write_gzip(tmp_path / "2.tar.gz", reversed(entries))
    assert first == second
    data = (tmp_path / "1.tar.gz").read_bytes()
    assert data == (tmp_path / "2.tar.gz").read_bytes()
    assert first.size == len(data)
    assert first.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert first.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(data)).hexdigest()}"


def test_an_archive_has_root_as_owner_and_no_times(tmp_path: Path) -> None:
    write_gzip(tmp_path / "a", [Entry("x", 0o1777), Entry("x/y", 0o600, content=b"1")])
    with tarfile.open(tmp_path / "a") as archive:
        members = archive.getmembers()
    assert [(m.name, m.mode, m.uid, m.gid, m.mtime) for m in members] == [
        ("x", 0o1777, 0, 0, 0),
        ("x/y", 0o600, 0, 0, 0),
    ]


def test_parent_folders_are_named_once() -> None:
    names = [entry.name for entry in folders_of(["usr/local/bin/a", "usr/local/bin/b", "c"])]
    assert names == ["usr", "usr/local", "usr/local/bin"]


def spec(content: bytes, reference: str = "registry.example/tool:v1") -> ImageSpec:
    key = hashlib.sha256(content).hexdigest()
    layer = Layer("tool", (key,), lambda: [Entry("tool", content=content)])
    return ImageSpec(reference, (layer,), Runtime(entrypoint=("/tool",)))


def test_an_image_is_an_index_manifest_config_and_layers_that_hold_together() -> None:
    images.ensure(spec(b"one"), quiet())
    store = Store(cache.mirror_root())

    def read(digest: str) -> bytes:
        data = store.blob_path(digest).read_bytes()
        assert digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
        return data

    tag = json.loads(store.tag_path("registry.example/tool", "v1").read_text())
    index = json.loads(read(tag["digest"]))
    assert index["manifests"][0]["platform"] == {"architecture": "amd64", "os": "linux"}
    manifest = json.loads(read(index["manifests"][0]["digest"]))
    config = json.loads(read(manifest["config"]["digest"]))
    layer = read(manifest["layers"][0]["digest"])
    assert manifest["layers"][0]["size"] == len(layer)
    unpacked = gzip.decompress(layer)
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(unpacked).hexdigest()}"]
    assert config["config"]["Entrypoint"] == ["/tool"]
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
        assert archive.getnames() == ["tool"]


def test_an_image_is_written_again_only_when_its_content_changed_and_old_blobs_go() -> None:
    first, second = spec(b"one"), spec(b"two")
    images.ensure(first, quiet())
    assert images.is_made(first)
    assert not images.is_made(second)
    blobs = cache.mirror_root() / "blobs" / "sha256"
    before = {blob.name for blob in blobs.iterdir()}
    images.ensure(second, quiet())
    assert images.sweep() == len(before)
    after = {blob.name for blob in blobs.iterdir()}
    assert len(after) == len(before)
    assert not after & before


@pytest.mark.parametrize("version", list(RELEASES))
def test_every_image_of_the_table_is_made_once(version: str) -> None:
    row = RELEASES[version]
    references = [one.reference for one in imagespecs.specs_of(row)]
    assert sorted(references) == sorted(row.images().values())


def test_programs_lie_where_manifests_call_them() -> None:
    by_name = {one.name: one for one in imagespecs.specs_of(RELEASES["1.31.4"])}

    def paths(name: str) -> set[str]:
        layer = by_name[name].layers[-1]
        return {entry.name for entry in layer.entries()}

    assert "usr/local/bin/kube-apiserver" in paths("registry.k8s.io/kube-apiserver")
    assert "usr/local/bin/kube-proxy" in paths("registry.k8s.io/kube-proxy")
    assert {"usr/local/bin/etcd", "usr/local/bin/etcdctl"} <= paths("registry.k8s.io/etcd")
    assert "opt/bin/flanneld" in paths("docker.io/flannel/flannel")
    assert "flannel" in paths("docker.io/flannel/flannel-cni-plugin")
    assert by_name["registry.k8s.io/coredns/coredns"].runtime.entrypoint == ("/coredns",)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("./usr/sbin/iptables", True),
        ("usr/share/doc/", True),
        ("usr/share/doc/iptables/copyright", False),
        ("dev/null", False),
        ("etc/resolv.conf", False),
        ("etc/apt/sources.list.d/debian.sources", False),
        ("./", False),
    ],
)
def test_what_a_layer_keeps_of_a_debian_root(path: str, kept: bool) -> None:
    assert parts.is_kept(path) is kept
