"""Container images from built programs: which files each holds, and how it is written.

`specs_of` is the literal part; `ensure` writes blobs and tags into the mirror's root, where the
registry protocol serves them. An image is an index with one manifest behind its upstream name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lab.build import cache, parts, programs, recipes
from lab.build.progress import Progress
from lab.build.registry import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Store
from lab.build.tarball import Entry, Written, folders_of, sha256_of, write_gzip
from lab.build.versions import ARCHITECTURE, CONTROL_PLANE_IMAGES, Release

# Part of each image's record: raise it when the way in which images are written changes.
IMAGE_VERSION = 1
EPOCH = "1970-01-01T00:00:00Z"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

SKELETON = (
    Entry(
        "etc/passwd",
        0o644,
        content=b"root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n",
    ),
    Entry("etc/group", 0o644, content=b"root:x:0:\nnogroup:x:65534:\n"),
    Entry("etc/nsswitch.conf", 0o644, content=b"hosts: files dns\n"),
    Entry("tmp", 0o1777),
    Entry("root", 0o700),
    Entry("var/run"),
)


@dataclass(frozen=True)
class Layer:
    """A layer, the cache keys that it is made from, and how its entries are found."""

    name: str
    inputs: tuple[str, ...]
    entries: Callable[[], Sequence[Entry]]


@dataclass(frozen=True)
class Runtime:
    """What a container of the image runs unless it is told otherwise."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    user: str = ""
    ports: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        config: dict[str, Any] = {"Env": [PATH], "WorkingDir": "/"}
        if self.entrypoint:
            config["Entrypoint"] = list(self.entrypoint)
        if self.cmd:
            config["Cmd"] = list(self.cmd)
        if self.user:
            config["User"] = self.user
        if self.ports:
            config["ExposedPorts"] = {port: {} for port in self.ports}
        return config


@dataclass(frozen=True)
class ImageSpec:
    """One image under its upstream name."""

    reference: str
    layers: tuple[Layer, ...]
    runtime: Runtime
    needs: tuple[parts.Part, ...] = field(default=())

    @property
    def name(self) -> str:
        return self.reference.rpartition(":")[0]

    @property
    def tag(self) -> str:
        return self.reference.rpartition(":")[2]

    @property
    def key(self) -> str:
        """Changes with every program, part or setting that goes into the image."""
        layers = [[layer.name, *layer.inputs] for layer in self.layers]
        return cache.recipe_hash([IMAGE_VERSION, self.reference, layers, asdict(self.runtime)])


def program_layer(group: str, version: str, files: dict[str, str]) -> Layer:
    """Programs of one recipe at the given paths; `files` maps path to program."""
    recipe = recipes.recipe(group, version)
    folder = programs.folder(recipe)

    def entries() -> list[Entry]:
        return [
            *folders_of(files),
            *(Entry(path, source=folder / name) for path, name in files.items()),
        ]

    inputs = (recipe.key, *(f"{path}={name}" for path, name in sorted(files.items())))
    return Layer(" ".join(files.values()), inputs, entries)


def skeleton_layer() -> Layer:
    inputs = tuple(f"{e.name} {e.mode:o} {(e.content or b'').decode()}" for e in SKELETON)
    return Layer("skeleton", inputs, lambda: [*folders_of(e.name for e in SKELETON), *SKELETON])


def iptables_layer() -> Layer:
    part = parts.iptables_root()
    return Layer("iptables", (part.key, *parts.TRIMMED), lambda: parts.root_entries(part.path))


def busybox_layer() -> Layer:
    part = parts.busybox()

    def entries() -> list[Entry]:
        names = [f"bin/{name}" for name in parts.applets(part.path)]
        return [
            Entry("bin"),
            Entry("bin/busybox", source=part.path),
            *(Entry(name, link="busybox") for name in names),
        ]

    return Layer("busybox", (part.key,), entries)


def pause_layer() -> Layer:
    part = parts.pause()
    return Layer("pause", (part.key,), lambda: [Entry("pause", source=part.path)])


def specs_of(row: Release) -> list[ImageSpec]:
    """All images of one Kubernetes version."""
    reference = row.images()
    iptables, busybox, pause = parts.iptables_root(), parts.busybox(), parts.pause()
    specs: list[ImageSpec] = []
    for name in CONTROL_PLANE_IMAGES:
        own = program_layer("kubernetes", row.kubernetes, {f"usr/local/bin/{name}": name})
        runtime = Runtime(entrypoint=(f"/usr/local/bin/{name}",))
        if name == "kube-proxy":
            spec = ImageSpec(reference[name], (iptables_layer(), own), runtime, (iptables,))
        else:
            spec = ImageSpec(reference[name], (skeleton_layer(), own), runtime)
        specs.append(spec)
    etcd = {f"usr/local/bin/{name}": name for name in ("etcd", "etcdctl", "etcdutl")}
    return [
        *specs,
        ImageSpec(
            reference["etcd"],
            (skeleton_layer(), program_layer("etcd", row.etcd, etcd)),
            Runtime(cmd=("/usr/local/bin/etcd",), ports=("2379/tcp", "2380/tcp")),
        ),
        ImageSpec(
            reference["coredns"],
            (skeleton_layer(), program_layer("coredns", row.coredns, {"coredns": "coredns"})),
            Runtime(entrypoint=("/coredns",), ports=("53/tcp", "53/udp")),
        ),
        ImageSpec(
            reference["pause"],
            (pause_layer(),),
            Runtime(entrypoint=("/pause",), user="65535:65535"),
            (pause,),
        ),
        ImageSpec(
            reference["flannel"],
            (
                iptables_layer(),
                program_layer("flannel", row.flannel, {"opt/bin/flanneld": "flanneld"}),
            ),
            Runtime(entrypoint=("/opt/bin/flanneld",)),
            (iptables,),
        ),
        ImageSpec(
            reference["flannel-cni-plugin"],
            (
                skeleton_layer(),
                busybox_layer(),  # its container runs `cp`
                program_layer("flannel-cni-plugin", row.flannel_cni_plugin, {"flannel": "flannel"}),
            ),
            Runtime(cmd=("cp", "-f", "/flannel", "/opt/cni/bin/flannel")),
            (busybox,),
        ),
        ImageSpec(
            reference["busybox"],
            (skeleton_layer(), busybox_layer()),
            Runtime(cmd=("sh",)),
            (busybox,),
        ),
    ]


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
