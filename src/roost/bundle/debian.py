"""Debian packages as material of an image: what is unpacked of them, without their scripts. Standard library only.

Called by debianimage.py and by what makes images with it. A package is an `ar` archive whose member data.tar.* holds
the files; /bin, /sbin and /lib are merged into /usr, as in an installed Debian.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from roost.bundle.errors import BundleDamaged

ARCHIVES: Final = {"main": "archive/debian/20261124T000000Z", "updates": "archive/debian-security/20261124T000000Z"}
"""Where Debian keeps every version for good; the second for packages that came as security updates."""
_MAGIC = b"!<arch>\n"
_MERGED = ("bin", "sbin", "lib", "lib64")


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    path: str
    """Below the archive: pool/…"""
    sha256: str
    size: int

    @property
    def url_path(self) -> str:
        part = "updates" if self.path.startswith("pool/updates/") else "main"
        return f"{ARCHIVES[part]}/{self.path}"


@dataclass(frozen=True)
class Entry:
    """One file of an image: `content`, or `link` for a symbolic link, or neither for a directory."""

    name: str
    mode: int
    content: bytes | None = None
    link: str | None = None


def data_of(package: bytes, title: str) -> bytes:
    """The member data.tar.* of a package. Raises BundleDamaged."""
    if not package.startswith(_MAGIC):
        raise BundleDamaged(f"{title} is no Debian package")
    at = len(_MAGIC)
    while at + 60 <= len(package):
        name = package[at : at + 16].decode("ascii", "replace").strip().rstrip("/")
        size = int(package[at + 48 : at + 58])
        at += 60
        if name.startswith("data.tar"):
            return package[at : at + size]
        at += size + size % 2
    raise BundleDamaged(f"{title} has no data.tar")


def entries(package: bytes, title: str) -> Iterator[Entry]:
    """Its regular files and symbolic links, under the names that they have in a merged /usr."""
    with tarfile.open(fileobj=io.BytesIO(data_of(package, title)), mode="r:*") as tar:
        for member in tar:
            name = merged(member.name)
            if member.issym():
                yield Entry(name, 0o777, link=member.linkname)
            elif member.islnk():
                source = tar.extractfile(member.linkname)
                yield Entry(name, member.mode & 0o777, content=source.read() if source else b"")
            elif member.isfile():
                source = tar.extractfile(member)
                yield Entry(name, member.mode & 0o777, content=source.read() if source else b"")


def merged(name: str) -> str:
    """./lib/x to usr/lib/x."""
    plain = name.removeprefix("./").strip("/")
    first = plain.partition("/")[0]
    return f"usr/{plain}" if first in _MERGED else plain


def layer(files: Mapping[str, Entry]) -> bytes:
    """A tar whose bytes follow from the entries alone: sorted, owned by root, without times."""
    named = dict(files)
    for name in files:
        parts = name.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            named.setdefault("/".join(parts[:count]), Entry("/".join(parts[:count]), 0o755))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted(named):
            entry = named[name]
            info = tarfile.TarInfo(name)
            info.mode = entry.mode
            if entry.link is not None:
                info.type, info.linkname = tarfile.SYMTYPE, entry.link
                tar.addfile(info)
            elif entry.content is None:
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            else:
                info.size = len(entry.content)
                tar.addfile(info, io.BytesIO(entry.content))
    return buffer.getvalue()
