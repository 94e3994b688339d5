"""Writes container images: blobs and tags below the mirror's root, where `registry` finds them.

`imagespecs` says what is in each. An image is an index with one manifest behind its upstream
name; a layer that several images share is written once. Called by `plan`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lab.build import cache
from lab.build.imagespecs import IMAGE_VERSION, ImageSpec, Layer
from lab.build.progress import Progress
from lab.build.registry import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Store
from lab.build.tarball import Written, sha256_of, write_gzip
from lab.build.versions import ARCHITECTURE

EPOCH = "1970-01-01T00:00:00Z"


def is_made(spec: ImageSpec) -> bool:
    record = _store().tag_path(spec.name, spec.tag)
    return record.is_file() and json.loads(record.read_text()).get("key") == spec.key


def ensure(spec: ImageSpec, progress: Progress) -> None:
    """Write the image's blobs and its tag, unless the same image is there."""
    if is_made(spec):
        return
    for part in spec.needs:
        part.ensure(progress)
    layers = [_layer_blob(layer, progress) for layer in spec.layers]
    config = image_config(spec, [one.diff_id for one in layers])
    manifest = image_manifest(_put(config), len(config), layers)
    index = image_index(_put(manifest), len(manifest))
    tag = {"digest": _put(index), "key": spec.key}
    cache.write_atomically(_store().tag_path(spec.name, spec.tag), json.dumps(tag).encode())


def image_config(spec: ImageSpec, diff_ids: Sequence[str]) -> bytes:
    return _json(
        {
            "created": EPOCH,
            "architecture": ARCHITECTURE,
            "os": "linux",
            "config": spec.runtime.document(),
            "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
            "history": [{"created": EPOCH, "created_by": layer.name} for layer in spec.layers],
        }
    )


def image_manifest(config_digest: str, config_size: int, layers: Sequence[Written]) -> bytes:
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": config_digest, "size": config_size},
            "layers": [{"mediaType": OCI_LAYER, "digest": one.digest, "size": one.size} for one in layers],
        }
    )


def image_index(manifest_digest: str, manifest_size: int) -> bytes:
    manifest = {
        "mediaType": OCI_MANIFEST,
        "digest": manifest_digest,
        "size": manifest_size,
        "platform": {"architecture": ARCHITECTURE, "os": "linux"},
    }
    return _json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [manifest]})


def sweep() -> int:
    """Remove blobs that no tag leads to any more; returns how many there were."""
    store = _store()
    needed: set[str] = set()
    for repository in store.repositories():
        for tag in store.tags(repository):
            index = str(json.loads(store.tag_path(repository, tag).read_text())["digest"])
            needed |= _reachable(store, index)
    kept_layers = cache.mirror_root() / "layers"
    removed = 0
    for blob in (store.root / "blobs" / "sha256").iterdir():
        if f"sha256:{blob.name}" not in needed:
            blob.unlink()
            removed += 1
    for record in kept_layers.iterdir():
        if json.loads(record.read_text())["digest"] not in needed:
            record.unlink()
    return removed


def _reachable(store: Store, index: str) -> set[str]:
    found = {index}
    for manifest in json.loads(store.blob_path(index).read_bytes())["manifests"]:
        digest = str(manifest["digest"])
        document = json.loads(store.blob_path(digest).read_bytes())
        found |= {digest, str(document["config"]["digest"])}
        found |= {str(layer["digest"]) for layer in document["layers"]}
    return found


def _layer_blob(layer: Layer, progress: Progress) -> Written:
    """The layer as a blob; a layer that several images share is written once."""
    key = cache.recipe_hash([IMAGE_VERSION, layer.name, *layer.inputs])
    record = cache.mirror_root() / "layers" / f"{key}.json"
    if record.is_file():
        written = Written(**json.loads(record.read_text()))
        if _store().blob_path(written.digest).is_file():
            return written
    cache.require_space(f"write the layer {layer.name}", 500_000_000)
    temporary = cache.work("layers") / key
    written = write_gzip(temporary, layer.entries())
    _move_blob(temporary, written.digest)
    progress.note(f"layer {layer.name}: {written.size / 1e6:.1f} MB")
    cache.write_atomically(record, json.dumps(asdict(written)).encode())
    return written


def _put(content: bytes) -> str:
    temporary = cache.work("layers") / "document"
    temporary.write_bytes(content)
    digest = f"sha256:{sha256_of(temporary)}"
    _move_blob(temporary, digest)
    return digest


def _move_blob(temporary: Path, digest: str) -> None:
    target = _store().blob_path(digest)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary.rename(target)


def _store() -> Store:
    return Store(cache.mirror_root())


def _json(document: object) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode()
