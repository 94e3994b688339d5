"""The documents of a bundle's own: what a release, its programs and its images look like in the layout.

index.json of a bundle lists, in this order:

1. `roost/release:vX`, a manifest whose config says which release this is (schema, parts, components)
   and whose layers are upstream's manifests, such as kube-flannel.yml;
2. `roost/programs:vX` (what machines run) and `roost/platform:vX` (what `roost up` runs), each an index
   of one manifest per architecture; each layer is a program, with name, version, kind and strip as
   annotations; the config holds the members of the archives, so that opening a bundle needs no archive.
   Only the former goes into the registry;
3. every image under its upstream name: upstream's own index, bytes unchanged, of which only the
   children of the wanted architectures are kept. So the digest behind a tag is upstream's everywhere:
   in the bundle, in roost's registry (which is told not to ask for absent children) and on machines.

create writes these, `open_bundle` reads them back into bundle.model.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, cast

from roost.bundle.errors import BundleDamaged, BundleRefused, ChecksumMismatch
from roost.bundle.layout import (
    CHUNK,
    EMPTY_CONFIG,
    INDEX_TYPES,
    OCI_INDEX,
    OCI_MANIFEST,
    REF_NAME,
    Descriptor,
    Document,
    Layout,
    descriptors,
    digest_of,
    parse_document,
)
from roost.bundle.model import Bundle, Image, Member, Program
from roost.bundle.versions import Part, Purpose

SCHEMA: Final = 1
RELEASE_TYPE: Final = "application/vnd.roost.release.v1+json"
PROGRAMS_TYPE: Final = "application/vnd.roost.programs.v1+json"
PROGRAM_LAYER: Final = "application/vnd.roost.program.v1"
MANIFEST_LAYER: Final = "application/yaml"

_PREFIX: Final = "cluster.alauda.io/"
KIND: Final = f"{_PREFIX}kind"
PURPOSE: Final = f"{_PREFIX}purpose"
PROGRAM_NAME: Final = f"{_PREFIX}program"
PROGRAM_VERSION: Final = f"{_PREFIX}version"
PROGRAM_KIND: Final = f"{_PREFIX}program-kind"
PROGRAM_STRIP: Final = f"{_PREFIX}strip"
TITLE: Final = "org.opencontainers.image.title"

EntryKind = Literal["release", "programs", "platform", "image"]


def release_name(version: str) -> str:
    return f"roost/release:v{version}"


PROGRAMS_REPOSITORY: Final[dict[Part, str]] = {"machine": "roost/programs", "platform": "roost/platform"}
_PROGRAMS_KIND: Final[dict[Part, EntryKind]] = {"machine": "programs", "platform": "platform"}


def entry_kind(entry: Descriptor) -> EntryKind | None:
    """What an entry of index.json is; None for what a later roost may have added."""
    kind = entry.annotations.get(KIND)
    return kind if kind in ("release", "programs", "platform", "image") else None


def members_of(path: Path, source: str, *, strip: int) -> tuple[Member, ...]:
    """Every regular file of a tar.gz, with its digest. Raises ChecksumMismatch for unsafe or broken archives."""
    found: list[Member] = []
    try:
        with tarfile.open(path, "r:gz") as archive:
            for entry in archive:
                if not entry.isfile():
                    continue
                parts = [part for part in entry.name.split("/") if part not in ("", ".")][strip:]
                if not parts:
                    continue
                if ".." in parts or entry.name.startswith("/"):
                    raise ChecksumMismatch(
                        f"{source}: the archive holds the unsafe path {entry.name!r}; it is refused"
                    )
                stream = archive.extractfile(entry)
                state = sha256()
                while stream is not None and (piece := stream.read(CHUNK)):
                    state.update(piece)
                found.append(Member("/".join(parts), state.hexdigest(), entry.mode & 0o7777, entry.size))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ChecksumMismatch(f"{source}: the archive can't be read ({error})") from error
    return tuple(sorted(found, key=lambda member: member.path))


def write_programs(layout: Layout, version: str, part: Part, programs: Sequence[Program]) -> Descriptor:
    """The index of one part's programs, with one manifest per architecture."""
    children: list[Document] = []
    for architecture in sorted({program.architecture for program in programs}):
        own = sorted((p for p in programs if p.architecture == architecture), key=lambda p: p.name)
        config = layout.write_document(
            {"schema": SCHEMA, "members": {p.name: _members(p) for p in own}}, PROGRAMS_TYPE
        )
        manifest: Document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": PROGRAMS_TYPE,
            "config": config.document(),
            "layers": [_program_layer(program).document() for program in own],
        }
        written = layout.write_document(manifest, OCI_MANIFEST)
        platform = {"os": "linux", "architecture": architecture}
        children.append(Descriptor(OCI_MANIFEST, written.digest, written.size, {}, platform).document())
    index: Document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}
    written = layout.write_document(index, OCI_INDEX)
    annotations = {REF_NAME: f"{PROGRAMS_REPOSITORY[part]}:v{version}", KIND: _PROGRAMS_KIND[part]}
    return Descriptor(OCI_INDEX, written.digest, written.size, annotations)


def _members(program: Program) -> list[list[object]]:
    return [[member.path, member.sha256, member.mode, member.size] for member in program.members]


def _program_layer(program: Program) -> Descriptor:
    annotations = {
        TITLE: program.name,
        PROGRAM_NAME: program.name,
        PROGRAM_VERSION: program.version,
        PROGRAM_KIND: program.kind,
        PROGRAM_STRIP: str(program.strip),
    }
    return Descriptor(PROGRAM_LAYER, program.digest, program.size, annotations)


def write_release(
    layout: Layout,
    version: str,
    *,
    parts: Mapping[str, Iterable[Part]],
    components: Mapping[str, str],
    manifests: Mapping[str, Descriptor],
) -> Descriptor:
    """What this bundle is; `roost/release:vX`."""
    config = layout.write_document(
        {
            "schema": SCHEMA,
            "kubernetes": version,
            "parts": {architecture: sorted(each) for architecture, each in parts.items()},
            "components": dict(components),
        },
        RELEASE_TYPE,
    )
    layers = [
        Descriptor(MANIFEST_LAYER, each.digest, each.size, {TITLE: name}) for name, each in sorted(manifests.items())
    ] or [layout.write(b"{}", EMPTY_CONFIG)]
    manifest: Document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": RELEASE_TYPE,
        "config": config.document(),
        "layers": [layer.document() for layer in layers],
    }
    written = layout.write_document(manifest, OCI_MANIFEST)
    return Descriptor(OCI_MANIFEST, written.digest, written.size, {REF_NAME: release_name(version), KIND: "release"})


def image_entry(name: str, purpose: Purpose, pulled: Descriptor, architecture: str | None) -> Descriptor:
    """The entry of an image; `architecture` only where the tag points to a single manifest."""
    platform = {"os": "linux", "architecture": architecture} if architecture else None
    annotations = {REF_NAME: name, KIND: "image", PURPOSE: purpose}
    return Descriptor(pulled.media_type, pulled.digest, pulled.size, annotations, platform)


def required(layout: Layout, bundle_architectures: Iterable[str]) -> dict[str, Descriptor]:
    """Every blob that the layout has to hold, by digest, children before parents."""
    wanted = frozenset(bundle_architectures)
    found: dict[str, Descriptor] = {}
    for entry in layout.index():
        chosen = wanted if entry_kind(entry) == "image" else None
        for descriptor in layout.walk(entry, chosen):
            found.setdefault(descriptor.digest, descriptor)
    return found


def open_bundle(path: Path) -> Bundle:
    """Reads the documents of a bundle, never its large blobs. Raises BundleDamaged or BundleRefused."""
    layout = Layout(path)
    content = layout.index_bytes()
    entries = descriptors(parse_document(content, f"{path}/index.json"), "manifests")
    releases = [entry for entry in entries if entry_kind(entry) == "release"]
    if len(releases) != 1:
        raise BundleRefused(f"{path} is an OCI image layout, but not a roost bundle: it has no {release_name('X')}")
    manifest = layout.read_document(releases[0].digest)
    release = layout.read_document(Descriptor.parse(manifest["config"]).digest)
    check_schema(release, str(path))
    parts = cast("dict[str, list[Part]]", release["parts"])
    architectures = tuple(sorted(a for a, each in parts.items() if "machine" in each))
    return Bundle(
        version=str(release["kubernetes"]),
        path=path,
        digest=digest_of(content),
        architectures=architectures,
        components=cast("dict[str, str]", release["components"]),
        programs=_read_programs(layout, entries),
        images=tuple(
            image
            for entry in entries
            if entry_kind(entry) == "image"
            for image in _read_images(layout, entry, architectures)
        ),
        manifests={
            layer.annotations[TITLE]: layer.digest
            for layer in descriptors(manifest, "layers")
            if TITLE in layer.annotations
        },
        parts={architecture: tuple(sorted(each)) for architecture, each in sorted(parts.items())},
    )


def check_schema(release: Document, where: str) -> None:
    schema = release.get("schema")
    if not isinstance(schema, int) or schema < 1:
        raise BundleDamaged(f"{where}: the bundle's schema is {schema!r}")
    if schema > SCHEMA:
        raise BundleRefused(
            f"{where} was made by a newer roost (bundle schema {schema}; this roost reads up to {SCHEMA}); "
            "update roost, or make the bundle with this one"
        )


def _read_programs(layout: Layout, entries: Iterable[Descriptor]) -> tuple[Program, ...]:
    """Those of machines and platform together; what belongs to both comes once."""
    found: dict[tuple[str, str], Program] = {}
    for entry in entries:
        if entry_kind(entry) in ("programs", "platform"):
            for program in _programs_of(layout, entry):
                found.setdefault((program.architecture, program.name), program)
    return tuple(program for _, program in sorted(found.items()))


def _programs_of(layout: Layout, entry: Descriptor) -> Iterator[Program]:
    for child in descriptors(layout.read_document(entry.digest), "manifests"):
        manifest = layout.read_document(child.digest)
        config = layout.read_document(Descriptor.parse(manifest["config"]).digest)
        members = cast("dict[str, list[tuple[str, str, int, int]]]", config["members"])
        for layer in descriptors(manifest, "layers"):
            name = layer.annotations[PROGRAM_NAME]
            yield Program(
                name=name,
                version=layer.annotations[PROGRAM_VERSION],
                architecture=child.architecture or "",
                digest=layer.digest,
                size=layer.size,
                kind="tar.gz" if layer.annotations[PROGRAM_KIND] == "tar.gz" else "file",
                strip=int(layer.annotations[PROGRAM_STRIP]),
                members=tuple(Member(*each) for each in members[name]),
            )


def _read_images(layout: Layout, entry: Descriptor, architectures: tuple[str, ...]) -> list[Image]:
    name = entry.annotations[REF_NAME]
    children = (
        descriptors(layout.read_document(entry.digest), "manifests") if entry.media_type in INDEX_TYPES else (entry,)
    )
    found: list[Image] = []
    for architecture in architectures:
        child = next((each for each in children if each.architecture == architecture), None)
        if child is None:
            raise BundleDamaged(f"{layout.path}: {name} has no manifest for {architecture}; make the bundle again")
        manifest = layout.read_document(child.digest)
        config = Descriptor.parse(manifest["config"])
        layers = descriptors(manifest, "layers")
        found.append(
            Image(
                name=name,
                architecture=architecture,
                index_digest=entry.digest,
                manifest_digest=child.digest,
                config_digest=config.digest,
                size=child.size + config.size + sum(layer.size for layer in layers),
                purpose=cast("Purpose", entry.annotations[PURPOSE]),
            )
        )
    return found
