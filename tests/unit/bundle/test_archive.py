from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from roost.bundle.archive import CONTAINERD_NAME, BundleBlobs, archive_key, image_digests
from roost.bundle.errors import BundleDamaged
from tests.unit.bundle import made

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _bytes(blobs: BundleBlobs, key: str) -> bytes:
    return b"".join([piece async for piece in blobs.open(key)])


async def test_an_image_comes_as_an_oci_archive_of_one_architecture(tmp_path: Path) -> None:
    bundle = made.bundle(tmp_path, architectures=("amd64", "arm64"))
    image = bundle.images_for("arm64")[0]
    blobs = BundleBlobs(bundle)
    content = await _bytes(blobs, archive_key(image))
    assert len(content) == blobs.size(archive_key(image))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        files = {entry.name: (archive.extractfile(entry) or io.BytesIO()).read() for entry in archive}
    index = json.loads(files.pop("index.json"))
    assert json.loads(files.pop("oci-layout"))["imageLayoutVersion"] == "1.0.0"
    assert index["manifests"][0]["digest"] == image.index_digest
    assert index["manifests"][0]["annotations"][CONTAINERD_NAME] == made.PAUSE
    assert all(name == f"blobs/sha256/{hashlib.sha256(each).hexdigest()}" for name, each in files.items())
    digests = {f"sha256:{name.rpartition('/')[2]}" for name in files}
    assert {image.index_digest, image.manifest_digest, image.config_digest} < digests
    assert len(digests) == 4


async def test_a_digest_gives_the_blob(tmp_path: Path) -> None:
    bundle = made.bundle(tmp_path)
    digest = bundle.program("kubelet", "amd64").digest
    assert await _bytes(BundleBlobs(bundle), digest) == b"kubelet amd64"
    assert BundleBlobs(bundle).size(digest) == len(b"kubelet amd64")


async def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    bundle = made.bundle(tmp_path)
    blobs = BundleBlobs(bundle)
    with pytest.raises(KeyError):
        blobs.open("image:arm64:registry.k8s.io/pause:3.10")
    digest = bundle.program("kubelet", "amd64").digest
    bundle.blob(digest).unlink()
    with pytest.raises(BundleDamaged, match=digest):
        await _bytes(blobs, digest)


async def test_a_machine_may_know_an_image_by_two_digests(tmp_path: Path) -> None:
    image = made.bundle(tmp_path).images[0]
    assert image_digests(image) == (image.index_digest, image.manifest_digest)
