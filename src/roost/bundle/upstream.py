"""Where upstream keeps the files of a release: URLs, checksum files and their forms.

Pure; called by create. With a mirror each URL is `{mirror}/{host}/{path}`, without one it is
`https://{host}/{path}`: the same paths and the same code for both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from roost.bundle.versions import ImageName, Part, Release

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Source:
    """One program at its upstream site, for one architecture."""

    name: str
    version: str
    architecture: str
    host: str
    path: str
    """Without a leading slash; its last component is the name in the checksum file."""
    checksum_path: str
    parts: tuple[Part, ...]
    kind: Literal["file", "tar.gz"] = "file"
    strip: int = 0

    @property
    def file(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def title(self) -> str:
        return f"{self.name} {self.version} {self.architecture}"


def url(host: str, path: str, *, mirror: str | None) -> str:
    """The address of a file on a download site, or on the mirror of it."""
    return f"{mirror.rstrip('/')}/{host}/{path}" if mirror else f"https://{host}/{path}"


def _kubernetes(row: Release, name: str, architecture: str, *parts: Part) -> Source:
    path = f"v{row.kubernetes}/bin/linux/{architecture}/{name}"
    return Source(name, row.kubernetes, architecture, "dl.k8s.io", path, f"{path}.sha256", parts)


def _github(project: str, version: str) -> str:
    return f"{project}/releases/download/v{version}"


def _archive(
    name: str,
    version: str,
    architecture: str,
    folder: str,
    *parts: Part,
    file: str,
    checksum: str,
    strip: int = 0,
) -> Source:
    return Source(
        name=name,
        version=version,
        architecture=architecture,
        host="github.com",
        path=f"{folder}/{file}",
        checksum_path=f"{folder}/{checksum}",
        parts=parts,
        kind="tar.gz",
        strip=strip,
    )


def sources(row: Release, architecture: str) -> tuple[Source, ...]:
    """Every program of a release. kubeadm stands first: the image list is asked of it."""
    platform = f"linux-{architecture}"
    cni = f"cni-plugins-{platform}-v{row.cni_plugins}.tgz"
    containerd = f"containerd-{row.containerd}-{platform}.tar.gz"
    crictl = f"crictl-v{row.crictl}-{platform}.tar.gz"
    registry = f"registry_{row.registry}_linux_{architecture}.tar.gz"
    runc = _github("opencontainers/runc", row.runc)
    return (
        _kubernetes(row, "kubeadm", architecture, "machine"),
        _kubernetes(row, "kubelet", architecture, "machine"),
        _kubernetes(row, "kubectl", architecture, "machine", "platform"),
        _archive(
            "containerd",
            row.containerd,
            architecture,
            _github("containerd/containerd", row.containerd),
            "machine",
            file=containerd,
            checksum=f"{containerd}.sha256sum",
        ),
        Source(
            name="runc",
            version=row.runc,
            architecture=architecture,
            host="github.com",
            path=f"{runc}/runc.{architecture}",
            checksum_path=f"{runc}/runc.sha256sum",
            parts=("machine",),
        ),
        _archive(
            "cni-plugins",
            row.cni_plugins,
            architecture,
            _github("containernetworking/plugins", row.cni_plugins),
            "machine",
            file=cni,
            checksum=f"{cni}.sha256",
        ),
        _archive(
            "crictl",
            row.crictl,
            architecture,
            _github("kubernetes-sigs/cri-tools", row.crictl),
            "machine",
            file=crictl,
            checksum=f"{crictl}.sha256",
        ),
        _kubernetes(row, "kube-apiserver", architecture, "platform"),
        _kubernetes(row, "kube-controller-manager", architecture, "platform"),
        _archive(
            "etcd",
            row.etcd,
            architecture,
            _github("etcd-io/etcd", row.etcd),
            "platform",
            file=f"etcd-v{row.etcd}-{platform}.tar.gz",
            checksum="SHA256SUMS",
            strip=1,
        ),
        _archive(
            "registry",
            row.registry,
            architecture,
            _github("distribution/distribution", row.registry),
            "platform",
            file=registry,
            checksum=f"{registry}.sha256",
        ),
    )


def parts_of_program(name: str, row: Release) -> tuple[Part, ...]:
    """Which parts a program of upstream belongs to; of roost's own ones: machine."""
    return next((source.parts for source in sources(row, "amd64") if source.name == name), ("machine",))


FLANNEL_HOST: Final = "github.com"


def flannel_path(row: Release) -> str:
    """Path of flannel's own manifest. Upstream publishes no checksum for it; the bundle pins its digest."""
    return f"{_github('flannel-io/flannel', row.flannel)}/kube-flannel.yml"


def checksum_of(text: str, file: str) -> str | None:
    """The sha256 (hex) of `file` out of a checksum file, or None.

    Forms met upstream: the digest alone (dl.k8s.io, crictl), `digest  name` (containerd, etcd),
    `digest *name` (runc), `digest  ./name`, any of them inside a signed text (runc). A digest alone
    counts only when the text holds nothing else.
    """
    alone = text.strip().lower()
    if _HEX.fullmatch(alone):
        return alone
    for line in text.splitlines():
        digest, _, name = line.strip().partition(" ")
        plain = name.strip().removeprefix("*").rpartition("/")[2]
        if plain == file and _HEX.fullmatch(digest.lower()):
            return digest.lower()
    return None


_KNOWN_PURPOSE: Final[dict[str, Literal["control-plane", "node", "addon"]]] = {
    "kube-apiserver": "control-plane",
    "kube-controller-manager": "control-plane",
    "kube-scheduler": "control-plane",
    "etcd": "control-plane",
    "kube-proxy": "node",
    "pause": "node",
    "coredns": "addon",
}


def parse_image_list(printed: str) -> tuple[ImageName, ...]:
    """What `kubeadm config images list` printed, with what each image is for."""
    found: list[ImageName] = []
    for line in printed.splitlines():
        name = line.strip()
        if not name:
            continue
        short = name.rpartition("/")[2].partition(":")[0]
        found.append(ImageName(name, _KNOWN_PURPOSE.get(short, "node")))
    return tuple(found)


def components_from(images: Iterable[ImageName], row: Release) -> dict[str, str]:
    """The row's components, with the tags that kubeadm really asks for where the row is only its minor's."""
    components = row.components()
    for image in images:
        short = image.name.rpartition("/")[2]
        name, _, tag = short.partition(":")
        if name in ("coredns", "pause"):
            components[name] = tag.removeprefix("v")
    return components
