"""A release bundle as the rest of roost sees it: names, digests, sizes and where the bytes are.

On disk a bundle is one OCI image layout (oci-layout, index.json, blobs/sha256/…), for one Kubernetes
version and one or more architectures. Images keep their upstream names; programs are layers of an
artifact `roost/programs:vX`, so that the registry serves them as blobs like everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Member:
    """One file inside an archive program: what a machine must have after it is unpacked."""

    path: str
    """Relative to the archive's destination, after `strip`."""
    sha256: str
    mode: int
    size: int


@dataclass(frozen=True)
class Program:
    """A program or an archive of programs for one architecture."""

    name: str
    """kubeadm, kubelet, kubectl, containerd, runc, cni-plugins, crictl, etcd, kube-apiserver,
    kube-controller-manager, registry, roost-probe."""
    version: str
    architecture: str
    digest: str
    """sha256:… of the bytes as they are served."""
    size: int
    kind: Literal["file", "tar.gz"]
    strip: int = 0
    """Leading path components to drop when unpacking."""
    members: tuple[Member, ...] = ()
    """For archives: every regular file. For a file: one member with its name."""


@dataclass(frozen=True)
class Image:
    """A container image for one architecture, under its upstream name."""

    name: str
    """Such as registry.k8s.io/kube-proxy:v1.31.4."""
    architecture: str
    index_digest: str
    """Digest behind the tag, as the registry serves it."""
    manifest_digest: str
    """Digest of this architecture's manifest."""
    config_digest: str
    """The image id that the runtime shows."""
    size: int
    purpose: Literal["control-plane", "node", "addon", "test", "agent"]
    """control-plane: only there; node: every machine; addon: CoreDNS; test, agent: never pulled in advance."""


@dataclass(frozen=True)
class Bundle:
    """One release. Obtained from roost.bundle.store.Store; immutable once written."""

    version: str
    """Kubernetes version without v, such as 1.31.4."""
    path: Path
    digest: str
    architectures: tuple[str, ...]
    """Those for which machines can be installed; empty while only the platform part is there."""
    components: Mapping[str, str]
    """Component name to version: kubernetes, containerd, runc, cni-plugins, crictl, etcd, coredns, pause, flannel."""
    programs: tuple[Program, ...]
    images: tuple[Image, ...]
    manifests: Mapping[str, str]
    """Upstream manifests by name (`flannel`) to blob digest."""
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Architecture to the parts that are complete: `machine`, `platform`. `architectures` has those with machine."""

    def has(self, part: str, architecture: str) -> bool:
        """Whether a part (`machine`, `platform`) is complete for an architecture."""
        return part in self.parts.get(architecture, ())

    def blob(self, digest: str) -> Path:
        """Where the bytes of a digest are on disk."""
        algorithm, _, value = digest.partition(":")
        return self.path / "blobs" / algorithm / value

    def program(self, name: str, architecture: str) -> Program:
        """Raises KeyError with both named when the bundle has none for that architecture."""
        for program in self.programs:
            if program.name == name and program.architecture == architecture:
                return program
        raise KeyError(f"{name} for {architecture}: the bundle of {self.version} has {', '.join(self.architectures)}")

    def images_for(self, architecture: str) -> tuple[Image, ...]:
        return tuple(image for image in self.images if image.architecture == architecture)

    def manifest(self, name: str) -> bytes:
        return self.blob(self.manifests[name]).read_bytes()
