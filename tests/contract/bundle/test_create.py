"""A bundle from a mirror on loopback: the code that fetches from upstream too."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from roost.bundle import agentimage, upstream, vipimage
from roost.bundle.create import INCOMING
from roost.bundle.errors import ArchitectureMissing, ChecksumMismatch, DownloadFailed, StorageFailed, UpstreamRefused
from roost.bundle.fetch import Fetcher
from roost.bundle.layout import Layout
from roost.bundle.progress import Step
from roost.bundle.versions import Release, release
from tests.contract.bundle.conftest import Maker
from tests.contract.bundle.fake_mirror import Mirror, sha256

ROW: Release = release("1.31.4")
KUBELET = "dl.k8s.io/v1.31.4/bin/linux/amd64/kubelet"
PAUSE = "registry.k8s.io/pause:3.10"


def test_holds_what_upstream_has(maker: Maker, mirror: Mirror) -> None:
    bundle = maker.create()
    assert bundle.architectures == ("amd64",)
    kubelet = bundle.program("kubelet", "amd64")
    assert bundle.blob(kubelet.digest).read_bytes() == mirror.files[KUBELET]
    etcd = bundle.program("etcd", "amd64")
    assert (etcd.strip, [member.path for member in etcd.members]) == (1, ["etcd"])
    names = {image.name for image in bundle.images}
    upstream_names = {image.name for image in (*ROW.kubeadm_images(), *ROW.flannel_images())}
    assert names == {*upstream_names, vipimage.name(), agentimage.name()}
    pause = next(image for image in bundle.images if image.name == PAUSE)
    index = mirror.files["v2/registry.k8s.io/pause/manifests/3.10"]
    assert pause.index_digest == f"sha256:{sha256(index)}"
    assert bundle.blob(pause.index_digest).read_bytes() == index
    assert bundle.manifest("flannel") == mirror.files[f"github.com/{upstream.flannel_path(ROW)}"]
    assert bundle.program("roost-probe", "amd64").size
    assert maker.store.verify("1.31.4").sound


def test_a_second_run_asks_nothing(maker: Maker, mirror: Mirror) -> None:
    first = maker.create()
    mirror.requests.clear()
    assert maker.create() == first
    assert mirror.requests == []


def test_the_platforms_part_comes_alone_and_is_completed(maker: Maker, mirror: Mirror) -> None:
    bundle = maker.create(parts={"platform"})
    assert not any("kubelet" in path or path.startswith("v2/") for path, _ in mirror.requests)
    assert bundle.architectures == ()
    mirror.requests.clear()
    bundle = maker.create()
    assert bundle.architectures == ("amd64",)
    assert not any(path.endswith(("kube-apiserver", "kubectl")) for path, _ in mirror.requests)
    assert maker.store.verify("1.31.4").sound


def test_an_architecture_is_added_without_fetching_the_first_again(maker: Maker, mirror: Mirror) -> None:
    first = maker.create("amd64")
    mirror.requests.clear()
    both = maker.create("arm64")
    assert both.architectures == ("amd64", "arm64")
    assert not any("amd64" in path for path, _ in mirror.requests)
    assert not any(path.endswith("/manifests/3.10") for path, _ in mirror.requests)
    # roost makes two images itself: their indexes name the architectures that the bundle has.
    own = {vipimage.name(), agentimage.name()}
    digests = {image.name: image.index_digest for image in first.images}
    assert all(digests[image.name] == image.index_digest for image in both.images if image.name not in own)
    assert maker.store.verify("1.31.4").sound


def test_another_version_borrows_what_is_the_same(maker: Maker, mirror: Mirror) -> None:
    maker.create()
    mirror.add_release("1.30.4")
    mirror.requests.clear()
    bundle = maker.create(version="1.30.4")
    asked = {path for path, _ in mirror.requests}
    assert not any(path.endswith(("runc.amd64", ".tgz")) for path in asked)
    assert bundle.components["containerd"] == "2.0.4"


def test_an_extra_image_can_be_added_later(maker: Maker, mirror: Mirror) -> None:
    maker.create()
    mirror.add_image("registry.example.com/tools/box:1", ("amd64",))
    bundle = maker.create(extra_images=["registry.example.com/tools/box:1"])
    added = next(image for image in bundle.images if image.name.endswith("box:1"))
    assert added.purpose == "test"
    assert maker.store.verify("1.31.4").sound


def test_an_architecture_that_upstream_lacks_is_named_with_what_it_has(maker: Maker, mirror: Mirror) -> None:
    mirror.add_image(PAUSE, ("amd64",))
    with pytest.raises(
        ArchitectureMissing, match=r"pause:3\.10 does not exist for arm64; it exists for amd64, s390x"
    ):
        maker.create("arm64")
    assert maker.store.versions() == ()


def test_a_missing_file_names_url_and_remedy(maker: Maker, mirror: Mirror) -> None:
    del mirror.files[KUBELET]
    with pytest.raises(UpstreamRefused, match=f"{mirror.url}/{KUBELET} answered 404.*mirror is complete"):
        maker.create()


def test_wrong_bytes_are_named_with_url_and_both_digests(maker: Maker, mirror: Mirror) -> None:
    expected = sha256(mirror.files[KUBELET])
    mirror.files[KUBELET] = b"something else"
    with pytest.raises(ChecksumMismatch) as caught:
        maker.create()
    for part in (f"{mirror.url}/{KUBELET}", expected, sha256(b"something else")):
        assert part in caught.value.message
    assert maker.store.versions() == ()


def test_a_wrong_layer_is_named(maker: Maker, mirror: Mirror) -> None:
    bundle = maker.create()
    maker.store.remove("1.31.4")
    image = next(image for image in bundle.images if image.name == PAUSE)
    path = f"v2/registry.k8s.io/pause/blobs/{image.config_digest}"
    mirror.files[path] += b"x"
    with pytest.raises(ChecksumMismatch, match=path):
        maker.create()


def test_kubeadms_list_is_compared_with_the_table(maker: Maker, mirror: Mirror) -> None:
    path = "dl.k8s.io/v1.31.4/bin/linux/amd64/kubeadm"
    content = mirror.files[path].replace(b"pause:3.10", b"pause:9.9")
    mirror.files[path] = content
    mirror.files[f"{path}.sha256"] = sha256(content).encode()
    with pytest.raises(Exception, match=r"kubeadm 1\.31\.4 asks for other images.*pause:9\.9.*pause:3\.10"):
        maker.create()


def test_what_may_pass_is_tried_again(maker: Maker, mirror: Mirror) -> None:
    mirror.failures[KUBELET] = [503, 500]
    mirror.cut[KUBELET] = 100
    bundle = maker.create()
    assert bundle.blob(bundle.program("kubelet", "amd64").digest).read_bytes() == mirror.files[KUBELET]
    ranges = [asked for path, asked in mirror.requests if path == KUBELET]
    assert ranges == ["", "", "", "bytes=100-"]
    assert len(maker.slept) == 3


def test_a_server_without_ranges_sends_it_all_again(maker: Maker, mirror: Mirror) -> None:
    mirror.ranges = False
    mirror.cut[KUBELET] = 100
    maker.create()
    assert maker.store.verify("1.31.4").sound


def test_giving_up_says_how_often_and_keeps_what_came(maker: Maker, mirror: Mirror) -> None:
    mirror.failures[KUBELET] = [503] * 5
    with pytest.raises(DownloadFailed, match=r"5 times.*--mirror"):
        maker.create()
    assert maker.store.versions() == ()
    mirror.requests.clear()
    maker.create()
    programs = [path for path, _ in mirror.requests if path.endswith("/kubeadm")]
    assert programs == []


def test_progress_tells_each_item(maker: Maker) -> None:
    steps: list[Step] = []
    maker.create(progress=steps.append)
    ended = {step.item: step for step in steps if step.state != "running"}
    assert {"kubelet 1.31.4 amd64", PAUSE} <= set(ended)
    assert all(step.done == step.total for step in ended.values())


def test_a_killed_run_is_continued(maker: Maker, mirror: Mirror) -> None:
    mirror.hold[KUBELET] = threading.Event()
    script = (
        "import sys; from functools import partial; from pathlib import Path\n"
        "from roost.bundle.store import Store; from roost.bundle.probe import probe_path\n"
        "Store(Path(sys.argv[1])).create('1.31.4', ['amd64'], mirror=sys.argv[2],"
        " probe_path=partial(probe_path, directory=Path(sys.argv[3])))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(maker.store.path), mirror.url, str(maker.probes)],
        stderr=subprocess.DEVNULL,
    )
    blobs = Layout(maker.store.path / f"{INCOMING}1.31.4").blobs
    part = blobs / f"{sha256(mirror.files[KUBELET])}.part"
    half = len(mirror.files[KUBELET]) // 2
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size == half and _complete(blobs) > 20):
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.02)
    child.kill()
    child.wait()
    mirror.hold.pop(KUBELET).set()
    assert maker.store.versions() == ()
    mirror.requests.clear()
    bundle = maker.create()
    assert (KUBELET, f"bytes={half}-") in mirror.requests
    assert "dl.k8s.io/v1.31.4/bin/linux/amd64/kubeadm" not in {path for path, _ in mirror.requests}
    assert maker.store.verify("1.31.4").sound
    assert sorted(path.name for path in bundle.path.iterdir()) == ["blobs", "index.json", "oci-layout"]
    assert not any(path.name.endswith(".part") for path in (bundle.path / "blobs" / "sha256").iterdir())


def _complete(blobs: Path) -> int:
    return sum(1 for path in blobs.iterdir() if len(path.name) == 64)


def test_what_a_killed_run_left_damaged_is_fetched_again(maker: Maker, mirror: Mirror) -> None:
    mirror.failures[KUBELET] = [404]
    with pytest.raises(UpstreamRefused):
        maker.create(jobs=1)
    blobs = Layout(maker.store.path / f"{INCOMING}1.31.4").blobs
    victim = next(path for path in blobs.iterdir() if len(path.name) == 64)
    victim.write_bytes(b"torn")
    maker.create()
    assert maker.store.verify("1.31.4").sound


def test_two_runs_at_once_make_one_bundle(maker: Maker, mirror: Mirror) -> None:
    results: list[str] = []
    threads = [threading.Thread(target=lambda: results.append(maker.create().digest)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(results)) == 1
    assert [path for path, _ in mirror.requests].count(KUBELET) == 1


def test_a_full_disk_is_named_and_what_came_is_kept(
    maker: Maker, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = os.fsync
    calls: list[int] = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 30:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        kept(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFailed, match=r"No space left on device; \d+ MiB are free in .*make room"):
        maker.create()
    monkeypatch.setattr(os, "fsync", kept)
    assert maker.slept == []
    assert maker.store.versions() == ()
    maker.create()
    assert maker.store.verify("1.31.4").sound


def test_a_token_does_not_follow_a_redirect(mirror: Mirror) -> None:
    with Mirror() as elsewhere:
        elsewhere.files["file"] = b"content"
        mirror.redirects["file"] = f"{elsewhere.url}/file"
        answer = Fetcher().read(f"{mirror.url}/file", {"Authorization": "Bearer not-a-real-token"})
        assert answer.content == b"content"
        assert mirror.authorizations == ["Bearer not-a-real-token"]
        assert elsewhere.authorizations == [None]
