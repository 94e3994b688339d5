"""A bundle as one .tar file, for computers without internet: export, import, and the final rename.

The tar is the OCI layout itself, documents first and blobs by name, with fixed owners, modes and times,
so that exporting the same bundle twice gives the same bytes. Called by Store.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from pathlib import Path
from typing import IO, Any, Final, cast

from roost.bundle import artifact
from roost.bundle.errors import BundleDamaged, BundleRefused
from roost.bundle.layout import (
    CHUNK,
    INDEX_FILE,
    LAYOUT_CONTENT,
    LAYOUT_FILE,
    Layout,
    check_digest,
    sync_directory,
)
from roost.bundle.model import Bundle
from roost.bundle.progress import Progress, Step

_BLOBS: Final = "blobs/sha256/"
_DOCUMENT_LIMIT: Final = 16 << 20


def publish(incoming: Path, final: Path) -> None:
    """Give a complete directory its final name, lastingly."""
    incoming.rename(final)
    sync_directory(final.parent)


class _Hashing:
    """A file object for tarfile that hashes what goes through it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.state = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.state.update(content)
        return self._stream.write(content)


def export_bundle(bundle: Bundle, file: Path, *, progress: Progress) -> str:
    """Write `file` (through a temporary beside it). Returns its sha256 digest."""
    layout = Layout(bundle.path)
    wanted = sorted(artifact.required(layout, bundle.architectures).values(), key=lambda each: each.digest)
    total = sum(each.size for each in wanted)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.new")
    done = 0
    try:
        with temporary.open("wb") as stream:
            hashing = _Hashing(stream)
            with tarfile.open(fileobj=cast("Any", hashing), mode="w|", format=tarfile.GNU_FORMAT) as archive:
                _add(archive, LAYOUT_FILE, layout.path / LAYOUT_FILE)
                _add(archive, INDEX_FILE, layout.path / INDEX_FILE)
                for each in wanted:
                    layout_blob = layout.blob(each.digest)
                    if not layout.has(each.digest, each.size):
                        raise BundleDamaged(
                            f"bundle {bundle.version}: blob {each.digest} is missing or has the wrong size; run "
                            f"`roost bundle verify {bundle.version}`"
                        )
                    _add(archive, f"{_BLOBS}{layout_blob.name}", layout_blob)
                    done += each.size
                    progress(Step(file.name, done, total, "running"))
            stream.flush()
            os.fsync(stream.fileno())
        temporary.rename(file)
    finally:
        temporary.unlink(missing_ok=True)
    progress(Step(file.name, done, total, "done"))
    return f"sha256:{hashing.state.hexdigest()}"


def _add(archive: tarfile.TarFile, name: str, path: Path) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = path.stat().st_size
    entry.mode = 0o644
    with path.open("rb") as stream:
        archive.addfile(entry, stream)


def import_bundle(store: Path, file: Path, *, progress: Progress) -> Bundle:
    """Unpack into the store. Nothing appears there unless every blob is what its name says and none is lacking."""
    staging = store / f".import-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    layout = Layout(staging)
    layout.prepare()
    try:
        _unpack(file, layout, progress)
        bundle = artifact.open_bundle(staging)
        for each in artifact.required(layout, bundle.architectures).values():
            if not layout.has(each.digest, each.size):
                raise BundleDamaged(f"{file}: blob {each.digest} is not in it: the file is incomplete; copy it again")
        return _adopt(store, staging, bundle, file)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _adopt(store: Path, staging: Path, bundle: Bundle, file: Path) -> Bundle:
    final = store / bundle.version
    if final.exists():
        present = artifact.open_bundle(final)
        if present.digest == bundle.digest:
            return present
        raise BundleRefused(
            f"{file}: there is another bundle of {bundle.version} already ({present.digest}, with "
            f"{', '.join(present.architectures) or 'the platform part only'}); "
            f"`roost bundle remove {bundle.version}` first"
        )
    sync_directory(staging / "blobs" / "sha256")
    publish(staging, final)
    return artifact.open_bundle(final)


def _unpack(file: Path, layout: Layout, progress: Progress) -> None:
    total = file.stat().st_size
    try:
        with tarfile.open(file, "r:") as archive:
            for entry in archive:
                if entry.isdir():
                    continue
                stream = archive.extractfile(entry) if entry.isfile() else None
                if stream is None:
                    raise BundleRefused(f"{file}: {entry.name!r} is not a plain file; this is not a bundle")
                _take(file, entry, stream, layout)
                progress(Step(file.name, entry.offset_data + entry.size, total, "running"))
    except (tarfile.TarError, EOFError) as error:
        raise BundleDamaged(f"{file}: can't be read as a tar ({error}): damaged or not a bundle") from error
    progress(Step(file.name, total, total, "done"))


def _take(file: Path, entry: tarfile.TarInfo, stream: IO[bytes], layout: Layout) -> None:
    if entry.name in (LAYOUT_FILE, INDEX_FILE):
        content = stream.read(_DOCUMENT_LIMIT)
        if entry.name == LAYOUT_FILE and content.strip() != LAYOUT_CONTENT.strip():
            raise BundleRefused(f"{file}: an image layout of an unknown version: {content[:100]!r}")
        (layout.path / entry.name).write_bytes(content)
        return
    name = entry.name.removeprefix(_BLOBS)
    try:
        if not entry.name.startswith(_BLOBS):
            raise ValueError(entry.name)
        check_digest(f"sha256:{name}")
    except ValueError as error:
        raise BundleRefused(f"{file}: holds {entry.name!r}, which no bundle has; it is refused") from error
    target = layout.blob(f"sha256:{name}")
    state = hashlib.sha256()
    with target.open("wb") as written:
        while piece := stream.read(CHUNK):
            state.update(piece)
            written.write(piece)
        written.flush()
        os.fsync(written.fileno())
    if state.hexdigest() != name:
        raise BundleDamaged(
            f"{file}: blob sha256:{name} is damaged: its bytes have sha256:{state.hexdigest()}; copy the file again"
        )
