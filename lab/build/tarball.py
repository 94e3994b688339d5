"""Writes tar archives that come out the same, byte for byte, from the same content.

Names are sorted, times are 0, the owner is root, and gzip carries neither name nor time; so a
layer keeps its digest when it is built again. Used for release archives and image layers.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

GZIP_LEVEL = 6


@dataclass(frozen=True)
class Entry:
    """One thing in an archive. Exactly one of source, content, link is set, or none: a folder."""

    name: str
    mode: int = 0o755
    source: Path | None = None
    content: bytes | None = None
    link: str | None = None

    @property
    def is_folder(self) -> bool:
        return self.source is None and self.content is None and self.link is None


@dataclass(frozen=True)
class Written:
    """Digests of a compressed archive: of the file itself and of the tar within."""

    digest: str
    diff_id: str
    size: int


class _Tee(io.RawIOBase):
    """Passes bytes on and hashes them, so that an archive is read only once."""

    def __init__(self, target: IO[bytes]) -> None:
        self.target = target
        self.hash = hashlib.sha256()
        self.count = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        block = bytes(data)  # pyright: ignore[reportArgumentType]
        self.hash.update(block)
        self.count += len(block)
        self.target.write(block)
        return len(block)

    def sha256(self) -> str:
        return f"sha256:{self.hash.hexdigest()}"


def write_gzip(target: Path, entries: Iterable[Entry]) -> Written:
    """Write a gzip-compressed archive of the entries and return its digests."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        outer = _Tee(file)
        with gzip.GzipFile(
            filename="",
            mode="wb",
            compresslevel=GZIP_LEVEL,
            fileobj=outer,  # pyright: ignore[reportArgumentType]
            mtime=0,
        ) as packed:
            inner = _Tee(packed)  # pyright: ignore[reportArgumentType]
            with tarfile.open(
                mode="w|",
                fileobj=inner,  # pyright: ignore[reportArgumentType]
                format=tarfile.PAX_FORMAT,
            ) as archive:
                for entry in sorted(entries, key=lambda one: one.name.rstrip("/")):
                    _add(archive, entry)
    return Written(digest=outer.sha256(), diff_id=inner.sha256(), size=outer.count)


def _add(archive: tarfile.TarFile, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.name)
    info.mode = entry.mode
    info.mtime = 0
    if entry.link is not None:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
        archive.addfile(info)
    elif entry.content is not None:
        info.size = len(entry.content)
        archive.addfile(info, io.BytesIO(entry.content))
    elif entry.source is not None:
        info.size = entry.source.stat().st_size
        with entry.source.open("rb") as file:
            archive.addfile(info, file)
    else:
        info.type = tarfile.DIRTYPE
        archive.addfile(info)


def folders_of(names: Iterable[str]) -> list[Entry]:
    """The parent folders that the names need, which upstream images carry too."""
    found: set[str] = set()
    for name in names:
        parent = name.rstrip("/")
        while "/" in parent:
            parent = parent.rsplit("/", 1)[0]
            found.add(parent)
    return [Entry(name) for name in sorted(found)]


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
