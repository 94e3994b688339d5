"""Lays built programs out with the paths, archives and checksum files of the download sites.

Pure functions name the paths and the form of each checksum file; `publish` puts the files under
the mirror's root, where `mirror` serves them. Called by `plan` after each recipe.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.build import cache, gobuild, programs, recipes, tools
from lab.build.recipes import Recipe
from lab.build.tarball import Entry, sha256_of, write_gzip
from lab.build.versions import ARCHITECTURE

# Part of the record of each published group: raise it when what `publish` writes changes.
LAYOUT_VERSION = 1

ChecksumForm = Callable[[str, str], str]


def hex_only(digest: str, name: str) -> str:
    """As dl.k8s.io: the digest and nothing else, not even a line end."""
    del name
    return digest


def hex_line(digest: str, name: str) -> str:
    """As crictl and distribution: the digest on a line."""
    del name
    return f"{digest}\n"


def named_line(digest: str, name: str) -> str:
    """As `sha256sum` prints: digest, two spaces, name."""
    return f"{digest}  {name}\n"


def binary_line(digest: str, name: str) -> str:
    """As `sha256sum --binary` prints, which runc uses."""
    return f"{digest} *{name}\n"


@dataclass(frozen=True)
class Published:
    """Where one group's files stand on the upstream site, and its checksum file."""

    folder: str  # host and path
    file: str  # name of the archive or program
    checksum_file: str
    checksum: ChecksumForm
    prefix: str | None = None  # folder within the archive; None: the program itself, no archive


def github(project: str, version: str) -> str:
    return f"github.com/{project}/releases/download/v{version}"


def kubernetes_file(version: str, program: str) -> Published:
    folder = f"dl.k8s.io/v{version}/bin/linux/{ARCHITECTURE}"
    return Published(folder, program, f"{program}.sha256", hex_only)


def archive_of(group: str, version: str) -> Published | None:
    """The one release file of a group; None where the group is only part of an image."""
    platform = f"linux-{ARCHITECTURE}"
    match group:
        case "etcd":
            name = f"etcd-v{version}-{platform}"
            folder = github("etcd-io/etcd", version)
            return Published(folder, f"{name}.tar.gz", "SHA256SUMS", named_line, f"{name}/")
        case "containerd":
            name = f"containerd-{version}-{platform}.tar.gz"
            folder = github("containerd/containerd", version)
            return Published(folder, name, f"{name}.sha256sum", named_line, "bin/")
        case "runc":
            folder = github("opencontainers/runc", version)
            return Published(folder, f"runc.{ARCHITECTURE}", "runc.sha256sum", binary_line)
        case "cni-plugins":
            name = f"cni-plugins-{platform}-v{version}.tgz"
            folder = github("containernetworking/plugins", version)
            return Published(folder, name, f"{name}.sha256", named_line, "./")
        case "crictl":
            name = f"crictl-v{version}-{platform}.tar.gz"
            folder = github("kubernetes-sigs/cri-tools", version)
            return Published(folder, name, f"{name}.sha256", hex_line, "")
        case "registry":
            name = f"registry_{version}_linux_{ARCHITECTURE}.tar.gz"
            folder = github("distribution/distribution", version)
            return Published(folder, name, f"{name}.sha256", hex_line, "")
        case _:
            return None


def files_root() -> Path:
    return cache.mirror_root() / "files"


def _record_path(recipe: Recipe) -> Path:
    return cache.mirror_root() / "records" / f"{recipe.name}-{recipe.version}.json"


def is_published(recipe: Recipe) -> bool:
    path = _record_path(recipe)
    return path.exists() and json.loads(path.read_text()) == _record(recipe)


def _record(recipe: Recipe) -> dict[str, object]:
    return {"key": recipe.key, "layout": LAYOUT_VERSION}


def publish(recipe: Recipe) -> None:
    """Put the files of a built recipe under the mirror's root."""
    built = programs.folder(recipe)
    names = [name for name, _ in recipe.programs]
    if recipe.name == "kubernetes":
        for name in names:
            _publish_program(kubernetes_file(recipe.version, name), built / name)
    elif recipe.name == "flannel":
        _publish_flannel_manifest(recipe)
    else:
        published = archive_of(recipe.name, recipe.version)
        if published is not None and published.prefix is None:
            _publish_program(published, built / names[0])
        elif published is not None:
            _publish_archive(published, built, names)
    record = json.dumps(_record(recipe)).encode()
    cache.write_atomically(_record_path(recipe), record)


def _publish_program(published: Published, program: Path) -> None:
    folder = files_root() / published.folder
    cache.link_atomically(program, folder / published.file)
    _write_checksum(published, sha256_of(program))


def _publish_archive(published: Published, built: Path, names: list[str]) -> None:
    prefix = published.prefix or ""
    entries = [Entry(f"{prefix}{name}", source=built / name) for name in names]
    if prefix:
        entries.append(Entry(prefix))
    target = files_root() / published.folder / published.file
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.new")
    written = write_gzip(temporary, entries)
    temporary.rename(target)
    _write_checksum(published, written.digest.removeprefix("sha256:"))


def _write_checksum(published: Published, digest: str) -> None:
    target = files_root() / published.folder / published.checksum_file
    cache.write_atomically(target, published.checksum(digest, published.file).encode())


def flannel_manifest_path(version: str) -> str:
    return f"{github('flannel-io/flannel', version)}/kube-flannel.yml"


def _publish_flannel_manifest(recipe: Recipe) -> None:
    """The module carries the manifest of its own release in its Documentation folder."""
    toolchain = tools.go_toolchain(recipe.go)
    work = cache.work("manifests")
    env = gobuild.go_environment(toolchain, gobuild.gocache(recipe.go), cgo=False)
    module = gobuild.download(recipe.modules[0], env, work)
    manifest = Path(module["Dir"]) / "Documentation" / "kube-flannel.yml"
    cache.write_atomically(files_root() / flannel_manifest_path(recipe.version), manifest.read_bytes())


def paths_of(group: str, version: str) -> list[str]:
    """Every path that the mirror serves for a group, host first."""
    if group == "kubernetes":
        each = [kubernetes_file(version, name) for name, _ in recipes.recipe(group, version).programs]
    elif group == "flannel":
        return [flannel_manifest_path(version)]
    else:
        one = archive_of(group, version)
        each = [one] if one else []
    return [f"{p.folder}/{name}" for p in each for name in (p.file, p.checksum_file)]
