"""The checks of a machine's disks: room for what roost installs, and what kubelet itself wants to stay free.

Pure; called by preflight/run.py and checking.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from roost.providers.onprem import layout
from roost.providers.onprem.preflight.machine import GIB, MIB, Subject
from roost.providers.onprem.preflight.report import Finding

RUNTIME: Final = "/var/lib/containerd"
KUBELET: Final = "/var/lib/kubelet"
FREE_LEAST: Final = {RUNTIME: 3 * GIB, KUBELET: GIB, "/": GIB, "/run": 16 * MIB}
"""Bytes. Programs unpack to 0.4 GiB and the images of a control plane to 1.5 GiB."""
SHARES: Final = {RUNTIME: 15, KUBELET: 10}
"""Percent of the file system. With less free kubelet taints the node disk-pressure, deletes images and evicts Pods:
its imagefs.available and nodefs.available where nothing else is told (Kubernetes' docs, «Node-pressure Eviction»)."""
EVICTION: Final = "eviction-hard"


def space(subject: Subject) -> Iterator[Finding]:
    """Room where the operating system put it; a data directory is `data_disk`'s."""
    if subject.ours:
        return
    node = subject.found.node
    elsewhere = layout.on_premises(subject.spec).runtime.data_directory is not None
    for path in FREE_LEAST:
        if path in node.free and not (elsewhere and path == RUNTIME):
            yield from _judge(subject, path, path, node.free[path], node.sizes.get(path))


def data_disk(subject: Subject) -> Iterator[Finding]:
    directory = layout.on_premises(subject.spec).runtime.data_directory
    if directory is None or subject.ours:
        return
    found = subject.found
    if found.data_free is not None:
        yield from _judge(subject, directory, RUNTIME, found.data_free, found.data_size, found.data_mount)
    if found.data_mount == "/":
        yield subject.warning(
            "DataDiskMissing",
            f"no disk of its own is mounted at or above {directory}",
            "it lies on the file system of /",
            "Mount the data disk first, or leave spec.onPremises.runtime.dataDirectory out",
        )


def _judge(subject: Subject, path: str, use: str, free: int, size: int | None, mount: str = "") -> Iterator[Finding]:
    """`use`: the key of FREE_LEAST whose limits count; `size`: bytes of the file system, where it is known."""
    place = mount or path
    if free < FREE_LEAST[use]:
        yield subject.error(
            "DiskSpace",
            f"{path} needs {FREE_LEAST[use] // MIB} MiB of free space",
            f"{free // MIB} MiB are free on {place}",
            f"Free space on the file system of {path}, or mount a larger one there",
        )
        return
    # Somebody who says when kubelet is to evict knows their disks.
    share = 0 if EVICTION in layout.on_premises(subject.spec).kubelet_extra_args else SHARES.get(use, 0)
    wanted = (size or 0) * share // 100
    evidence = f"{free // MIB} of {(size or 0) // MIB} MiB are free on {place}"
    remedy = f"Free space there, mount a larger file system, or set kubeletExtraArgs {EVICTION}"
    if free < wanted:
        yield subject.error(
            "DiskSpace",
            f"kubelet lets no Pod run while less than {share} % of the file system of {path} are free",
            evidence,
            remedy,
        )
    elif free < wanted + FREE_LEAST[use] and wanted:
        yield subject.warning(
            "DiskSpace",
            f"once the node has written there, less than {share} % of the file system of {path} may be free, "
            "and kubelet would let no Pod run",
            evidence,
            remedy,
        )


CHECKS: Final[tuple[Callable[[Subject], Iterator[Finding]], ...]] = (space, data_disk)
