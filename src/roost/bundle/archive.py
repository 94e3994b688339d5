"""Streams bytes of a bundle to a machine: single blobs, and one image as an OCI archive.

For machines that can't reach roost's registry: node's engine sends these over SSH, `ctr images import`
takes the archive. The archive holds upstream's index (so the machine sees the same digest as after a
pull) and the one architecture's manifest, config and layers.
"""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from roost.bundle.errors import BundleDamaged
from roost.bundle.layout import (
    CHUNK,
    INDEX_FILE,
    LAYOUT_CONTENT,
    LAYOUT_FILE,
    OCI_INDEX,
    REF_NAME,
    Descriptor,
    Layout,
    canonical,
)
from roost.bundle.model import Bundle, Image

CONTAINERD_NAME: Final = "io.containerd.image.name"
_ARCHIVE: Final = "image:"
_BLOCK: Final = tarfile.BLOCKSIZE


def archive_key(image: Image) -> str:
    """The key under which BundleBlobs gives this image's archive."""
    return f"{_ARCHIVE}{image.architecture}:{image.name}"


class BundleBlobs:
    """A bundle as a node BlobSource: `sha256:…` gives that blob, `archive_key(image)` an OCI archive."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._layout = Layout(bundle.path)

    def open(self, key: str) -> AsyncIterator[bytes]:
        """Raises KeyError for an image that the bundle has not got, BundleDamaged for an absent blob."""
        if not key.startswith(_ARCHIVE):
            return _file(self._layout, key)
        return stream_image(self._bundle, self._image(key))

    def size(self, key: str) -> int:
        """Bytes that open() will give."""
        if not key.startswith(_ARCHIVE):
            return self._layout.blob(key).stat().st_size
        documents, blobs = _plan(self._bundle, self._image(key))
        sizes = [*(len(content) for content in documents.values()), *(blob.size for blob in blobs)]
        return sum(_BLOCK + size + _padding(size) for size in sizes) + 2 * _BLOCK

    def _image(self, key: str) -> Image:
        architecture, _, name = key.removeprefix(_ARCHIVE).partition(":")
        for image in self._bundle.images:
            if (image.name, image.architecture) == (name, architecture):
                return image
        raise KeyError(key)


async def stream_image(bundle: Bundle, image: Image) -> AsyncIterator[bytes]:
    """An OCI archive (tar) of one image and architecture, in pieces of at most 1 MiB."""
    layout = Layout(bundle.path)
    documents, blobs = _plan(bundle, image)
    for name, content in documents.items():
        yield _header(name, len(content)) + content + bytes(_padding(len(content)))
    for blob in blobs:
        path = layout.blob(blob.digest)
        yield _header(f"blobs/sha256/{path.name}", blob.size)
        async for piece in _file(layout, blob.digest):
            yield piece
        yield bytes(_padding(blob.size))
    yield bytes(2 * _BLOCK)


def _plan(bundle: Bundle, image: Image) -> tuple[dict[str, bytes], list[Descriptor]]:
    """The archive's own documents, and the blobs that follow them, each once."""
    layout = Layout(bundle.path)
    entry = next(each for each in layout.index() if each.annotations.get(REF_NAME) == image.name)
    tag = image.name.rpartition(":")[2]
    top = Descriptor(entry.media_type, entry.digest, entry.size, {CONTAINERD_NAME: image.name, REF_NAME: tag})
    index = canonical({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [top.document()]})
    blobs = {each.digest: each for each in layout.walk(entry, frozenset({image.architecture}))}
    return {LAYOUT_FILE: LAYOUT_CONTENT, INDEX_FILE: index}, list(blobs.values())


async def _file(layout: Layout, digest: str) -> AsyncIterator[bytes]:
    path: Path = layout.blob(digest)
    try:
        stream = await asyncio.to_thread(path.open, "rb")
    except FileNotFoundError as error:
        raise BundleDamaged(f"{layout.path}: blob {digest} is missing; run `roost bundle verify`") from error
    with stream:
        while piece := await asyncio.to_thread(stream.read, CHUNK):
            yield piece


def _header(name: str, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o644
    return entry.tobuf(tarfile.USTAR_FORMAT)


def _padding(size: int) -> int:
    return -size % _BLOCK


def image_digests(image: Image) -> tuple[str, ...]:
    """Digests by which a machine may know the image: the tag's and its own manifest's, the likelier first."""
    return (image.index_digest, image.manifest_digest)
