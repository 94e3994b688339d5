"""A cluster's id, a target and bytes to install, for the tests of the engine."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from roost.ssh.connection import Target

CLUSTER = "0a1b2c3d-0000-4000-8000-000000000001"
TARGET = Target("m1", "192.0.2.10")


@dataclass(frozen=True)
class Part:
    path: str
    sha256: str
    mode: int = 0o755


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


class Blobs:
    """A BlobSource that remembers what it was asked for."""

    def __init__(self, *blobs: bytes, piece: int = 70_000) -> None:
        self.blobs = {f"sha256:{sha(blob)}": blob for blob in blobs}
        self.opened: list[str] = []
        self.piece = piece

    async def open(self, key: str) -> AsyncIterator[bytes]:
        self.opened.append(key)
        data = self.blobs[key]
        for start in range(0, len(data), self.piece):
            yield data[start : start + self.piece]


def tree(root: Path) -> dict[str, str]:
    """Every path of a FakeMachine with kind, mode, owner and content; not what belongs to the fake itself."""
    found: dict[str, str] = {}
    for directory, names, files in os.walk(root):
        names[:] = [name for name in names if not (Path(directory) == root and name == ".fake")]
        for name in [*names, *files]:
            place = Path(directory) / name
            stat = place.lstat()
            if place.is_symlink():
                content = f"-> {os.readlink(place)}"
            elif place.is_file():
                content = sha(place.read_bytes())
            else:
                content = "directory"
            found[str(place.relative_to(root))] = f"{stat.st_mode:o} {stat.st_uid}:{stat.st_gid} {content}"
    return found
