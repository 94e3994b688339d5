"""One OCI image layout on disk: blobs by digest, documents, and which blobs an index stands on.

Used by create and archive (writing), store and verify (reading). A blob is under its final name only
when it is complete: bytes go to a temporary name, are hashed on the way, synced and renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from roost.bundle.errors import BundleDamaged

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES: Final = (OCI_INDEX, DOCKER_INDEX)
MANIFEST_TYPES: Final = (OCI_MANIFEST, DOCKER_MANIFEST)
EMPTY_CONFIG: Final = "application/vnd.oci.empty.v1+json"
REF_NAME: Final = "org.opencontainers.image.ref.name"
LAYOUT_FILE: Final = "oci-layout"
INDEX_FILE: Final = "index.json"
LAYOUT_CONTENT: Final = b'{"imageLayoutVersion":"1.0.0"}\n'

Document = dict[str, Any]
CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Descriptor:
    """An OCI content descriptor."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    platform: Mapping[str, str] | None = None

    @classmethod
    def parse(cls, document: Document) -> Descriptor:
        """Raises BundleDamaged when a field is absent or is of another type."""
        try:
            digest = str(document["digest"])
            check_digest(digest)
            platform: Document | None = document.get("platform")
            annotations: Document = document.get("annotations") or {}
            return cls(
                media_type=str(document["mediaType"]),
                digest=digest,
                size=int(document["size"]),
                annotations={str(key): str(value) for key, value in annotations.items()},
                platform=None if platform is None else {k: str(v) for k, v in platform.items() if v is not None},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleDamaged(f"a descriptor is not readable ({error}): {str(document)[:200]}") from error

    def document(self) -> Document:
        written: Document = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.annotations:
            written["annotations"] = dict(sorted(self.annotations.items()))
        if self.platform is not None:
            written["platform"] = dict(sorted(self.platform.items()))
        return written

    @property
    def architecture(self) -> str | None:
        """The architecture of a linux platform; None for attestations, other systems and no platform."""
        if self.platform is None or self.platform.get("os") != "linux":
            return None
        return self.platform.get("architecture")


def check_digest(digest: str) -> str:
    """The hex part. Raises ValueError unless it is a sha256 digest: it becomes a file name."""
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256" or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
        raise ValueError(f"{digest!r} is not a sha256 digest")
    return value


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def hash_file(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """The digest of a file, read in pieces."""
    state = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        while piece := stream.read(CHUNK):
            state.update(piece)
            if on_bytes is not None:
                on_bytes(len(piece))
    return f"sha256:{state.hexdigest()}"


def canonical(document: Document) -> bytes:
    """The one way in which roost writes a JSON document, so that equal content has an equal digest."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.chmod(mode)
    temporary.rename(path)
    sync_directory(path.parent)


class Layout:
    """Reads and writes one layout directory. Holds no state but its path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def blobs(self) -> Path:
        return self.path / "blobs" / "sha256"

    def prepare(self) -> None:
        self.blobs.mkdir(parents=True, exist_ok=True)

    def blob(self, digest: str) -> Path:
        return self.blobs / check_digest(digest)

    def has(self, digest: str, size: int | None = None) -> bool:
        """Whether the blob is there with that size; its bytes were checked when it was written."""
        try:
            found = self.blob(digest).stat().st_size
        except FileNotFoundError:
            return False
        return size is None or found == size

    def read(self, digest: str) -> bytes:
        try:
            return self.blob(digest).read_bytes()
        except FileNotFoundError as error:
            raise BundleDamaged(
                f"{self.path}: blob {digest} is missing; run `roost bundle create` again to fetch it, "
                "or import the bundle again"
            ) from error

    def read_document(self, digest: str) -> Document:
        return parse_document(self.read(digest), f"{self.path}: blob {digest}")

    def write(self, content: bytes, media_type: str) -> Descriptor:
        digest = digest_of(content)
        if not self.has(digest, len(content)):
            write_atomically(self.blob(digest), content)
        return Descriptor(media_type, digest, len(content))

    def write_document(self, document: Document, media_type: str) -> Descriptor:
        return self.write(canonical(document), media_type)

    def index(self) -> tuple[Descriptor, ...]:
        """What index.json lists. Raises BundleDamaged."""
        return descriptors(parse_document(self.index_bytes(), f"{self.path}/{INDEX_FILE}"), "manifests")

    def index_bytes(self) -> bytes:
        try:
            return (self.path / INDEX_FILE).read_bytes()
        except FileNotFoundError as error:
            raise BundleDamaged(f"{self.path} has no {INDEX_FILE}: it is not a bundle") from error

    def write_index(self, entries: tuple[Descriptor, ...]) -> bytes:
        """Writes oci-layout and index.json, the latter last: from then on the layout is what it lists."""
        write_atomically(self.path / LAYOUT_FILE, LAYOUT_CONTENT)
        content = canonical(
            {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry.document() for entry in entries]}
        )
        write_atomically(self.path / INDEX_FILE, content)
        return content

    def walk(self, entry: Descriptor, architectures: frozenset[str] | None) -> Iterator[Descriptor]:
        """Every blob that `entry` stands on, itself last (so that children are pushed before parents).

        `architectures` chooses among the children of an index; None takes all. An upstream index is kept
        as it is, so it names platforms whose manifests are not here.
        """
        if entry.media_type in INDEX_TYPES:
            for child in descriptors(self.read_document(entry.digest), "manifests"):
                if architectures is None or child.architecture in architectures:
                    yield from self.walk(child, architectures)
        elif entry.media_type in MANIFEST_TYPES:
            document = self.read_document(entry.digest)
            yield Descriptor.parse(document["config"])
            yield from descriptors(document, "layers")
        yield entry


def parse_document(content: bytes, where: str) -> Document:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise BundleDamaged(f"{where} is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise BundleDamaged(f"{where} is not a JSON object")
    return document  # pyright: ignore[reportUnknownVariableType]


def descriptors(document: Document, field_name: str) -> tuple[Descriptor, ...]:
    return tuple(Descriptor.parse(each) for each in document.get(field_name) or ())
