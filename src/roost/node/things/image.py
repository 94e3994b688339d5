"""A container image in containerd's k8s.io namespace, pulled through the CRI or imported from a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from roost.node.quote import word
from roost.node.thing import Action, Blocked, Change, Observed, Payload

IMAGES: Final = "images"


@dataclass(frozen=True)
class Image:
    """Pulled under its upstream name (hosts.toml says from where); with `archive`, imported instead.

    The digest is compared after the pull: verification fails when the registry gave other bytes than
    the bundle has.
    """

    name: str
    """Such as registry.k8s.io/kube-proxy:v1.31.4."""
    digests: tuple[str, ...]
    """Digests that count as this image: of the index and of this architecture's manifest."""
    archive: str | None = None
    """Key of the act's BlobSource for an OCI archive of this image; None: pull."""
    endpoint: str = "unix:///run/containerd/containerd.sock"

    @property
    def key(self) -> str:
        return f"image:{self.name}"

    def observe(self) -> str:
        """Fields `digest` (empty: not there) and `runtime` (up or down)."""
        return f"image_state {word(self.name)} {word(self.endpoint)}"

    def diff(self, observed: Observed) -> Change | Blocked | None:
        digest = observed["digest"]
        if digest in self.digests:
            return None
        verb = "pull" if self.archive is None else "import"
        if not digest:
            return Change(self.key, Action.CREATE, f"{verb} {self.name}", parallel=IMAGES)
        summary = f"{verb} {self.name} again: it has digest {digest}, the bundle has {' or '.join(self.digests)}"
        return Change(self.key, Action.UPDATE, summary, parallel=IMAGES)

    def apply(self, change: Change) -> str:  # noqa: ARG002
        if self.archive is None:
            return f"image_pull {word(self.name)} {word(self.endpoint)}"
        return f'image_import {word(self.name)} {word(self.endpoint)} "$P/archive"'

    def payloads(self, change: Change) -> tuple[Payload, ...]:  # noqa: ARG002
        return () if self.archive is None else (Payload("archive", blob=self.archive),)
