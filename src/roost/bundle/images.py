"""Which images a release needs: asked of that version's kubeadm where it can run, else the table.

Called by create. Flannel's images are those that its own manifest names.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

import yaml

from roost.bundle.errors import ImageListDiffers
from roost.bundle.upstream import parse_image_list
from roost.bundle.versions import ImageName, Release

_MACHINE: Final = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "AMD64": "amd64"}


def host_architecture() -> str:
    """This computer's architecture, in the words of OCI."""
    machine = platform.machine()
    return _MACHINE.get(machine, machine)


def ask_kubeadm(kubeadm: Path, row: Release, scratch: Path) -> tuple[ImageName, ...] | None:
    """What that kubeadm prints; None when this computer can't run it. Raises ImageListDiffers."""
    program = scratch / "kubeadm"
    shutil.copyfile(kubeadm, program)
    program.chmod(0o755)
    command = [str(program), "config", "images", "list", "--kubernetes-version", f"v{row.kubernetes}"]
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(scratch)},
            cwd=scratch,
        )
    except OSError:
        return None
    except subprocess.TimeoutExpired as error:
        raise ImageListDiffers(f"kubeadm {row.kubernetes} did not print its image list within 60 s") from error
    finally:
        program.unlink(missing_ok=True)
    if ended.returncode != 0:
        raise ImageListDiffers(
            f"kubeadm {row.kubernetes} could not print its image list (exit status {ended.returncode}): "
            f"{ended.stderr.strip()[-300:]}"
        )
    return parse_image_list(ended.stdout)


def choose(row: Release, printed: Sequence[ImageName] | None) -> tuple[ImageName, ...]:
    """The images of a release. For a tested version the table and kubeadm must agree.

    A patch release without a row of its own has its minor's, so there kubeadm's word is taken.
    """
    table = row.kubeadm_images()
    if printed is None:
        return table
    asked, known = {image.name for image in printed}, {image.name for image in table}
    if row.tested and asked != known:
        raise ImageListDiffers(
            f"kubeadm {row.kubernetes} asks for other images than roost's table has: "
            f"only kubeadm: {', '.join(sorted(asked - known)) or 'none'}; "
            f"only the table: {', '.join(sorted(known - asked)) or 'none'}. "
            "The mirror may hold another build; otherwise this is a mistake in roost"
        )
    return tuple(printed)


def flannel_images(manifest: bytes) -> tuple[ImageName, ...]:
    """Every image that a Kubernetes manifest names, in order, each once."""
    names: dict[str, None] = {}
    for document in yaml.safe_load_all(manifest):
        for name in _images_in(document):
            names.setdefault(name)
    return tuple(ImageName(name, "node") for name in names)


def full_name(image: ImageName) -> ImageName:
    """With its registry: `kubeovn/kube-ovn:v1` is docker.io's, as a runtime reads it."""
    first, slash, _ = image.name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return image
    return ImageName(f"docker.io/{image.name if slash else f'library/{image.name}'}", image.purpose)


def _images_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            if key == "image" and isinstance(inner, str):
                yield inner
            else:
                yield from _images_in(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _images_in(inner)
