"""The image of the self-built VIP: haproxy and keepalived, put together from pinned Debian packages.

No public registry has it, so that `roost bundle create` makes it: packages by name and digest (vip.lock.json,
written by tools/lock_vip.py) are fetched and unpacked, nothing of them is run. The same lock gives the same bytes.
What checks the API server's health in it is roost-probe, which is static. Called by create.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, cast

from roost.bundle import artifact
from roost.bundle.debian import Entry, entries, layer
from roost.bundle.layout import OCI_INDEX, OCI_MANIFEST, Descriptor, Layout, canonical

REPOSITORY: Final = "cluster.alauda.io/roost/vip"
HOST: Final = "snapshot.debian.org"
ARCHIVES: Final = {"main": "archive/debian/20261124T000000Z", "updates": "archive/debian-security/20261124T000000Z"}
"""Where Debian keeps every version for good; the second for packages that came as security updates."""
_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
"""Not compressed: what gzip makes of the same bytes depends on its version."""
_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_EPOCH: Final = "1970-01-01T00:00:00Z"
_OWN: Final = (
    Entry("etc/passwd", 0o644, content=b"root:x:0:0:root:/root:/usr/sbin/nologin\n"),
    Entry("etc/group", 0o644, content=b"root:x:0:\n"),
    Entry("etc/nsswitch.conf", 0o644, content=b"hosts: files dns\n"),
    Entry("bin", 0o777, link="usr/bin"),
    Entry("sbin", 0o777, link="usr/sbin"),
    Entry("lib", 0o777, link="usr/lib"),
    Entry("lib64", 0o777, link="usr/lib64"),
    Entry("proc", 0o555),
    Entry("sys", 0o555),
    Entry("dev", 0o755),
    Entry("run", 0o755),
    Entry("tmp", 0o1777),
    Entry("root", 0o700),
)
PROBE: Final = "usr/bin/roost-probe"


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    path: str
    """Below the archive: pool/…"""
    sha256: str
    size: int

    @property
    def url_path(self) -> str:
        part = "updates" if self.path.startswith("pool/updates/") else "main"
        return f"{ARCHIVES[part]}/{self.path}"


def lock() -> dict[str, tuple[Package, ...]]:
    """Packages by architecture."""
    text = resources.files("roost.bundle").joinpath("vip.lock.json").read_text()
    loaded = cast("dict[str, list[dict[str, Any]]]", json.loads(text))
    return {architecture: tuple(Package(**row) for row in rows) for architecture, rows in loaded.items()}


def tag() -> str:
    """haproxy's and keepalived's versions, and what else went in."""
    versions = {package.name: package.version for package in lock()["amd64"]}
    plain = [versions[name].rpartition(":")[2].partition("-")[0] for name in ("haproxy", "keepalived")]
    digest = hashlib.sha256(canonical({a: [p.sha256 for p in rows] for a, rows in lock().items()})).hexdigest()
    return f"{plain[0]}-{plain[1]}-{digest[:8]}"


def name() -> str:
    """As Pods name it."""
    return f"{REPOSITORY}:{tag()}"


def wanted(path: str) -> bool:
    """Of what packages hold, the two programs, the libraries and the licences."""
    if path in ("usr/sbin/haproxy", "usr/sbin/keepalived"):
        return True
    if path.startswith("usr/share/doc/") and path.endswith("/copyright"):
        return True
    directory, _, file = path.rpartition("/")
    flat = directory in ("usr/lib", "usr/lib64") or (directory.startswith("usr/lib/") and directory.count("/") == 2)
    return flat and ".so" in file


def files_of(packages: Mapping[str, bytes], probe: bytes) -> dict[str, Entry]:
    """Everything in the image. `packages`: the bytes of each, by its name."""
    found = {entry.name: entry for entry in _OWN}
    for title in sorted(packages):
        found |= {entry.name: entry for entry in entries(packages[title], title) if wanted(entry.name)}
    found[PROBE] = Entry(PROBE, 0o755, content=probe)
    return found


def write_one(layout: Layout, architecture: str, files: Mapping[str, Entry]) -> Descriptor:
    """The manifest of one architecture."""
    written = layout.write(layer(files), _LAYER)
    config = {
        "created": _EPOCH,
        "architecture": architecture,
        "os": "linux",
        "config": {"Env": ["PATH=/usr/sbin:/usr/bin"], "WorkingDir": "/"},
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


def write(
    layout: Layout,
    architectures: Sequence[str],
    kept: Sequence[Descriptor] = (),
    *,
    fetch: Callable[[Package], bytes],
    probe: Callable[[str], bytes],
) -> Descriptor:
    """The whole image; the entry of it in the bundle's index. `kept`: manifests of further architectures."""
    locked = lock()
    manifests = list(kept)
    for architecture in sorted(architectures):
        packages = {package.name: fetch(package) for package in locked.get(architecture, ())}
        manifests.append(write_one(layout, architecture, files_of(packages, probe(architecture))))
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [each.document() for each in sorted(manifests, key=lambda each: each.architecture or "")],
    }
    return artifact.image_entry(name(), "control-plane", layout.write(canonical(index), OCI_INDEX), None)
