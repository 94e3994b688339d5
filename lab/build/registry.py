"""The read-only part of the registry protocol over the blobs and tags of the cache.

Pure functions read a request's path and headers and say what to answer; `mirror` sends it.
`images` writes the tree: `blobs/sha256/HEX` and `tags/HOST/REPOSITORY/TAG` (a small JSON).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

_COMPONENT = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
_NAME = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_DIGEST = r"sha256:[0-9a-f]{64}"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_ROUTES = {
    "manifests": re.compile(rf"/v2/({_NAME})/manifests/({_DIGEST}|{_TAG})"),
    "blobs": re.compile(rf"/v2/({_NAME})/blobs/({_DIGEST})"),
    "tags": re.compile(rf"/v2/({_NAME})/tags/(list)"),
}


@dataclass(frozen=True)
class Asked:
    """One request in the registry's terms."""

    kind: str  # manifests, blobs or tags
    name: str  # host and repository
    reference: str  # tag, digest or "list"


@dataclass(frozen=True)
class Refusal:
    """An error in the registry protocol's own form."""

    status: int
    code: str
    message: str

    def body(self) -> bytes:
        error = {"code": self.code, "message": self.message}
        return json.dumps({"errors": [error]}).encode()


@dataclass(frozen=True)
class Found:
    """A blob to send, with the type and digest that go into its headers."""

    path: Path
    media_type: str
    digest: str


def parse(path: str, namespace: str | None = None) -> Asked | None:
    """Read a path below /v2/; None where it is none of the protocol's.

    `namespace` is containerd's `?ns=` parameter: the registry host of the image where the path
    has none.
    """
    for kind, pattern in _ROUTES.items():
        match = pattern.fullmatch(path)
        if match:
            name = match[1]
            if namespace and not name.startswith(f"{namespace}/"):
                name = f"{namespace}/{name}"
            return Asked(kind, name, match[2])
    return None


def accepts(accept: Sequence[str], media_type: str) -> bool:
    """Whether the Accept headers allow a type; no header at all allows everything."""
    types = [part.split(";")[0].strip() for header in accept for part in header.split(",")]
    types = [part for part in types if part]
    return not types or media_type in types or "*/*" in types or "application/*" in types


class Store:
    """The blobs and tags under one root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def blob_path(self, digest: str) -> Path:
        return self.root / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def tag_path(self, name: str, tag: str) -> Path:
        return self.root / "tags" / name / tag

    def tags(self, name: str) -> list[str]:
        folder = self.root / "tags" / name
        if not folder.is_dir():
            return []
        return sorted(one.name for one in folder.iterdir() if one.is_file())

    def repositories(self) -> list[str]:
        top = self.root / "tags"
        return sorted({str(one.parent.relative_to(top)) for one in top.rglob("*") if one.is_file()})

    def find(self, asked: Asked, accept: Sequence[str]) -> Found | Refusal:
        """What to answer to a request for a manifest or blob."""
        if not self.tags(asked.name):
            return Refusal(404, "NAME_UNKNOWN", f"no repository {asked.name} in this mirror")
        if asked.kind == "blobs":
            path = self.blob_path(asked.reference)
            if not path.is_file():
                return Refusal(404, "BLOB_UNKNOWN", f"no blob {asked.reference}")
            return Found(path, "application/octet-stream", asked.reference)
        digest = asked.reference
        if not digest.startswith("sha256:"):
            tag = self.tag_path(asked.name, asked.reference)
            if not tag.is_file():
                known = ", ".join(self.tags(asked.name))
                return Refusal(404, "MANIFEST_UNKNOWN", f"no tag {asked.reference}; there are: {known}")
            digest = str(json.loads(tag.read_text())["digest"])
            return self._negotiated(digest, accept)
        return self._manifest(digest)

    def _manifest(self, digest: str) -> Found | Refusal:
        document = self._document(digest)
        media_type = document.get("mediaType") if document else None
        if media_type not in (OCI_INDEX, OCI_MANIFEST):
            return Refusal(404, "MANIFEST_UNKNOWN", f"no manifest {digest}")
        return Found(self.blob_path(digest), media_type, digest)

    def _negotiated(self, digest: str, accept: Sequence[str]) -> Found | Refusal:
        """The index behind a tag; its only manifest for a client that knows no index."""
        found = self._manifest(digest)
        if (
            isinstance(found, Found)
            and found.media_type == OCI_INDEX
            and not accepts(accept, OCI_INDEX)
            and accepts(accept, OCI_MANIFEST)
        ):
            document = self._document(digest) or {}
            return self._manifest(str(document["manifests"][0]["digest"]))
        return found

    def _document(self, digest: str) -> dict[str, Any] | None:
        path = self.blob_path(digest)
        if not path.is_file() or path.stat().st_size > 4_000_000:
            return None
        try:
            document = json.loads(path.read_bytes())
        except ValueError:
            return None
        return cast("dict[str, Any]", document) if isinstance(document, dict) else None
