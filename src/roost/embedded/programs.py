"""The platform's programs on disk: out of a bundle's blobs, once, checked by digest.

Called by start. Later starts compare a stamp (size, times, inode) and hash only what changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from roost.api.errors import PermanentFailure
from roost.embedded.files import explained, write_private

if TYPE_CHECKING:
    from roost.bundle.model import Bundle, Program

NEEDED: Final = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "registry")
_STAMP: Final = ".verified.json"
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture() -> str:
    """This machine's architecture, as bundles name it."""
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise PermanentFailure(
            "ArchitectureUnsupported", f"this machine is {machine}; the platform runs on x86_64 and aarch64"
        )
    return _ARCHITECTURES[machine]


def installed(directory: Path) -> bool:
    """Everything is there and as it was when it was checked."""
    stamps = _stamps(directory)
    return all(stamps.get(name) == _mark(directory / name) is not None for name in NEEDED)


def install(bundle: Bundle, directory: Path) -> None:
    """Brings every program into the directory, executable and checked. Raises PermanentFailure."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamps = _stamps(directory)
    for name in NEEDED:
        target = directory / name
        if stamps.get(name) is not None and stamps[name] == _mark(target):
            continue
        try:
            program = bundle.program(name, architecture())
        except KeyError as error:
            raise PermanentFailure(
                "ProgramMissing",
                f"the bundle of {bundle.version} lacks {error.args[0]}; "
                f"add it: roost bundle create --kubernetes {bundle.version}",
            ) from error
        with explained(target):
            _extract(bundle, program, target)
        stamps[name] = _mark(target)
    write_private(directory / _STAMP, json.dumps(stamps))


def use_directory(source: Path, directory: Path, *, names: Iterable[str] = NEEDED) -> None:
    """Uses programs that lie in a directory of one's own in place of a bundle's."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in names:
        if not os.access(source / name, os.X_OK):
            raise PermanentFailure("ProgramMissing", f"{source / name} is no program; put it there")
        link = directory / name
        link.unlink(missing_ok=True)
        link.symlink_to((source / name).resolve())
    # They are the person's own to answer for: taken as they are, by later starts too.
    write_private(directory / _STAMP, json.dumps({name: _mark(directory / name) for name in names}))


def _extract(bundle: Bundle, program: Program, target: Path) -> None:
    blob = bundle.blob(program.digest)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if program.kind == "file":
            wanted = program.digest.removeprefix("sha256:")
            with blob.open("rb") as source, temporary.open("wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
        else:
            import tarfile

            member = _member(program)
            wanted = member[1]
            with tarfile.open(blob, "r:gz") as archive, temporary.open("wb") as out:
                for entry in archive:
                    if "/".join(Path(entry.name).parts[program.strip :]) == member[0] and entry.isreg():
                        content = archive.extractfile(entry)
                        assert content is not None
                        shutil.copyfileobj(content, out, 1 << 20)
                        break
        found = _sha256(temporary)
        if found != wanted:
            raise PermanentFailure(
                "BundleDamaged",
                f"{blob}: {program.name} has digest {found[:12]}…, the bundle says {wanted[:12]}…; "
                f"fetch it again: roost bundle create --kubernetes {bundle.version} --repair",
            )
        temporary.chmod(0o755)
        os.replace(temporary, target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _member(program: Program) -> tuple[str, str]:
    """(path, sha256) of the program inside its archive."""
    for member in program.members:
        if Path(member.path).name == program.name:
            return member.path, member.sha256
    raise PermanentFailure(
        "BundleDamaged", f"the archive of {program.name} {program.version} holds no {program.name}"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _mark(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _stamps(directory: Path) -> dict[str, list[int] | None]:
    try:
        return json.loads((directory / _STAMP).read_bytes())
    except (OSError, ValueError):
        return {}
