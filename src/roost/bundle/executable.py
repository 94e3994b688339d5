"""Gives a Kubernetes program of a bundle as an executable file, for asking it something on the platform itself.

kubelet is a program of the bundle; kube-apiserver, kube-controller-manager and kube-scheduler of the cluster's
version are in images alone, from whose layers they are taken. Called by the provider's preflight.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tarfile
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final, cast

from roost.bundle.images import host_architecture
from roost.bundle.model import Bundle

_FOLDERS: Final = ("usr/local/bin", "usr/bin", "bin", "")


@contextlib.contextmanager
def executable(bundle: Bundle, name: str) -> Generator[Path | None]:
    """The program as a file that goes at the end. None: the bundle has none for this machine's architecture."""
    with tempfile.TemporaryDirectory(prefix="roost-ask-") as folder:
        target = Path(folder) / name
        yield target if _write(bundle, name, target) else None


def _write(bundle: Bundle, name: str, target: Path) -> bool:
    architecture = host_architecture()
    for program in bundle.programs:
        if (program.name, program.architecture, program.kind) == (name, architecture, "file"):
            shutil.copyfile(bundle.blob(program.digest), target)
            target.chmod(0o700)
            return True
    for image in bundle.images_for(architecture):
        if image.name.rpartition("/")[2].partition(":")[0] == name:
            return _from_layers(bundle, image.manifest_digest, name, target)
    return False


def _from_layers(bundle: Bundle, manifest_digest: str, name: str, target: Path) -> bool:
    """The last layer that holds the program has the one that a container would run."""
    manifest = cast("dict[str, Any]", json.loads(bundle.blob(manifest_digest).read_bytes()))
    places = {f"{folder}/{name}".lstrip("/") for folder in _FOLDERS}
    for layer in reversed(cast("list[dict[str, Any]]", manifest["layers"])):
        with tarfile.open(bundle.blob(str(layer["digest"])), mode="r|*") as archive:
            for member in archive:
                if member.isfile() and member.name.removeprefix("./") in places:
                    source = archive.extractfile(member)
                    if source is None:
                        continue
                    with target.open("wb") as file:
                        shutil.copyfileobj(source, file)
                    target.chmod(0o700)
                    return True
    return False
