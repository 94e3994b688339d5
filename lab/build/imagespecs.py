"""Which files each image holds and what its containers run: literal, and nothing is written here.

`images` carries these specifications out. Names and paths are those that kubeadm's static pods
and flannel's manifest call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.build import cache, parts, programs, recipes
from lab.build.tarball import Entry, folders_of
from lab.build.versions import CONTROL_PLANE_IMAGES, Release

# Part of each image's record: raise it when the way in which images are written changes.
IMAGE_VERSION = 1
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
