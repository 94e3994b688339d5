"""Images of roost's own from pinned Debian packages: the lock, one architecture's manifest, the index of all.

Called by vipimage.py and agentimage.py, which say what goes in. The same lock and files give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final, cast

from roost.bundle.debian import Entry, Package, layer
from roost.bundle.layout import OCI_INDEX, OCI_MANIFEST, Descriptor, Layout, canonical

_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
"""Not compressed: what gzip makes of the same bytes depends on its version."""
_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_EPOCH: Final = "1970-01-01T00:00:00Z"


def lock(file: str) -> dict[str, tuple[Package, ...]]:
    """Packages by architecture, from a lock in this folder."""
    text = resources.files("roost.bundle").joinpath(file).read_text()
    loaded = cast("dict[str, list[dict[str, Any]]]", json.loads(text))
    return {architecture: tuple(Package(**row) for row in rows) for architecture, rows in loaded.items()}


def write_one(
    layout: Layout, architecture: str, files: Mapping[str, Entry], runs: Mapping[str, object]
) -> Descriptor:
    """The manifest of one architecture. `runs`: the image's `config`, as OCI has it."""
    written = layout.write(layer(files), _LAYER)
    config = {
        "created": _EPOCH,
        "architecture": architecture,
        "os": "linux",
        "config": dict(runs),
        "rootfs": {"type": "layers", "diff_ids": [written.digest]},
        "history": [{"created": _EPOCH, "created_by": "roost bundle create"}],
    }
    configured = layout.write(canonical(config), _CONFIG)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": configured.document(),
        "layers": [written.document()],
    }
    made = layout.write(canonical(manifest), OCI_MANIFEST)
    return Descriptor(made.media_type, made.digest, made.size, platform={"os": "linux", "architecture": architecture})


def write_index(layout: Layout, manifests: Sequence[Descriptor]) -> Descriptor:
    """The index of all architectures."""
    listed = sorted(manifests, key=lambda each: each.architecture or "")
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [each.document() for each in listed]}
    return layout.write(canonical(index), OCI_INDEX)
