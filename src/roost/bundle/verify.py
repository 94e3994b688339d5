"""Hashes every blob of a bundle and names each damaged one. Called by Store.verify and import."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

from roost.bundle import artifact
from roost.bundle.layout import Descriptor, Layout, hash_file
from roost.bundle.model import Bundle
from roost.bundle.progress import Progress, Step, silent


@dataclass(frozen=True)
class Damaged:
    """One blob that is not what its digest says."""

    digest: str
    content: str
    """What it is a part of, such as `program kubelet amd64` or `registry.k8s.io/pause:3.10`."""
    problem: Literal["missing", "wrong size", "wrong digest"]
    found: str
    """The digest or size that was found; empty for a missing one."""


@dataclass(frozen=True)
class Report:
    """How a verification ended."""

    version: str
    blobs: int
    bytes: int
    damaged: tuple[Damaged, ...]

    @property
    def sound(self) -> bool:
        return not self.damaged


def verify_bundle(bundle: Bundle, *, progress: Progress = silent) -> Report:
    """Every blob that the bundle stands on. Its documents were read to get here, but are hashed again too."""
    layout = Layout(bundle.path)
    wanted = artifact.required(layout, bundle.architectures)
    owners = _owners(layout, bundle)
    total = sum(each.size for each in wanted.values())
    done = 0
    damaged: list[Damaged] = []
    # hashlib lets other threads run while it hashes.
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        for descriptor, finding in zip(
            wanted.values(), pool.map(partial(_check, layout), wanted.values()), strict=True
        ):
            done += descriptor.size
            progress(Step(f"bundle {bundle.version}", done, total, "done" if done == total else "running"))
            if finding is not None:
                problem, found = finding
                damaged.append(Damaged(descriptor.digest, owners.get(descriptor.digest, "document"), problem, found))
    return Report(bundle.version, len(wanted), total, tuple(damaged))


def _check(layout: Layout, wanted: Descriptor) -> tuple[Literal["missing", "wrong size", "wrong digest"], str] | None:
    path = layout.blob(wanted.digest)
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return "missing", ""
    if size != wanted.size:
        return "wrong size", f"{size} bytes instead of {wanted.size}"
    found = hash_file(path)
    return None if found == wanted.digest else ("wrong digest", found)


def _owners(layout: Layout, bundle: Bundle) -> dict[str, str]:
    """What each blob belongs to, in words."""
    owners: dict[str, str] = {}
    chosen = frozenset(bundle.architectures)
    for entry in layout.index():
        is_image = artifact.entry_kind(entry) == "image"
        name = entry.annotations.get(artifact.REF_NAME, "an entry of index.json")
        for each in layout.walk(entry, chosen if is_image else None):
            owners.setdefault(each.digest, name)
    for program in bundle.programs:
        owners[program.digest] = f"program {program.name} {program.version} {program.architecture}"
    return owners
