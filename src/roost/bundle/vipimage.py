"""The image of the self-built VIP: haproxy and keepalived, put together from pinned Debian packages.

No public registry has it, so that `roost bundle create` makes it: packages by name and digest (vip.lock.json,
written by tools/lock_vip.py) are fetched and unpacked, nothing of them is run. The same lock gives the same bytes.
What checks the API server's health in it is roost-probe, which is static. Called by create.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from roost.bundle import artifact, debianimage
from roost.bundle.debian import Entry, Package, entries
from roost.bundle.layout import Descriptor, Layout, canonical

REPOSITORY: Final = "cluster.alauda.io/roost/vip"
HOST: Final = "snapshot.debian.org"
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


def lock() -> dict[str, tuple[Package, ...]]:
    """Packages by architecture."""
    return debianimage.lock("vip.lock.json")


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
    runs = {"Env": ["PATH=/usr/sbin:/usr/bin"], "WorkingDir": "/"}
    return debianimage.write_one(layout, architecture, files, runs)


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
    return artifact.image_entry(name(), "control-plane", debianimage.write_index(layout, manifests), None)
