"""A bundle of a few bytes, written by hand: what unit tests of this room open."""

from __future__ import annotations

import json
from pathlib import Path

from roost.bundle import artifact
from roost.bundle.layout import OCI_INDEX, OCI_MANIFEST, Descriptor, Layout
from roost.bundle.model import Bundle, Member, Program
from roost.bundle.versions import Part

PAUSE = "registry.k8s.io/pause:3.10"


def program(layout: Layout, name: str, architecture: str) -> Program:
    written = layout.write(f"{name} {architecture}".encode(), artifact.PROGRAM_LAYER)
    member = Member(name, written.digest.removeprefix("sha256:"), 0o755, written.size)
    return Program(name, "1.0.0", architecture, written.digest, written.size, "file", 0, (member,))


def image(layout: Layout, name: str, present: tuple[str, ...], absent: tuple[str, ...]) -> Descriptor:
    """An image whose index names also architectures that are not in the layout."""
    children: list[Descriptor] = []
    for architecture in present:
        config = layout.write(json.dumps({"architecture": architecture}).encode(), "application/config")
        layer = layout.write(f"layer {name} {architecture}".encode(), "application/layer")
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": config.document(),
            "layers": [layer.document()],
        }
        written = layout.write_document(document, OCI_MANIFEST)
        children.append(Descriptor(OCI_MANIFEST, written.digest, written.size, {}, _linux(architecture)))
    children += [Descriptor(OCI_MANIFEST, f"sha256:{'a' * 64}", 7, {}, _linux(each)) for each in absent]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child.document() for child in children]}
    written = layout.write_document(index, OCI_INDEX)
    return artifact.image_entry(name, "node", written, None)


def _linux(architecture: str) -> dict[str, str]:
    return {"os": "linux", "architecture": architecture}


def bundle(
    path: Path,
    version: str = "1.31.4",
    *,
    architectures: tuple[str, ...] = ("amd64",),
    parts: frozenset[Part] = frozenset({"machine", "platform"}),
) -> Bundle:
    layout = Layout(path)
    layout.prepare()
    flannel = layout.write(b"flannel", artifact.MANIFEST_LAYER)
    release = artifact.write_release(
        layout,
        version,
        parts=dict.fromkeys(architectures, parts),
        components={"kubernetes": version, "containerd": "2.0.4", "etcd": "3.5.15"},
        manifests={"flannel": flannel} if "machine" in parts else {},
    )
    entries = [release]
    if "machine" in parts:
        own = [program(layout, name, each) for each in architectures for name in ("kubelet", "kubectl")]
        entries.append(artifact.write_programs(layout, version, "machine", own))
        entries.append(image(layout, PAUSE, architectures, ("s390x",)))
    if "platform" in parts:
        own = [program(layout, name, each) for each in architectures for name in ("etcd", "kubectl")]
        entries.append(artifact.write_programs(layout, version, "platform", own))
    layout.write_index(tuple(entries))
    return artifact.open_bundle(path)
