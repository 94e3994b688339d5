"""Where the lab keeps what it built, and how several builds keep out of each other's way.

Everything lies under one root outside the checkout (ROOST_LAB_CACHE, /var/cache/roost-lab).
A directory under `programs/` is complete the moment it exists: work happens under `work/`
and is renamed into place, so a killed build leaves nothing that looks finished.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from lab.build.failure import BuildError

DEFAULT_ROOT = "/var/cache/roost-lab"
TRASH = ".trash"


def root() -> Path:
    return Path(os.environ.get("ROOST_LAB_CACHE") or DEFAULT_ROOT)


def toolchains() -> Path:
    return root() / "toolchains"


def go_modules() -> Path:
    return root() / "gomod"


def work(name: str) -> Path:
    """A place for an unfinished step. It stays after an interruption, so the step can go on."""
    path = root() / "work" / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def programs() -> Path:
    return root() / "programs"


def parts() -> Path:
    """Intermediate results that several images share: root file systems, the pause program."""
    return root() / "parts"


def mirror_root() -> Path:
    return root() / "mirror"


def recipe_hash(recipe: object) -> str:
    """Twelve hex digits that change when, and only when, the recipe does."""
    canonical = json.dumps(recipe, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def publish(finished: Path, target: Path) -> None:
    """Move a finished directory or file to its lasting name in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        aside = target.with_name(f".{target.name}.old")
        shutil.rmtree(aside, ignore_errors=True)
        target.rename(aside)
        finished.rename(target)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        finished.rename(target)


def write_atomically(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.new")
    temporary.write_bytes(content)
    temporary.rename(target)


def link_atomically(source: Path, target: Path) -> None:
    """Show a cached file under a second name without a second copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.new")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, temporary)
        shutil.copymode(source, temporary)
    temporary.rename(target)


def remove_tree(path: Path) -> None:
    """Remove a tree of some 100,000 files, as Go's caches are, in seconds; root needs no modes."""
    subprocess.run(["rm", "-rf", "--", str(path)], check=True)


def tidy() -> None:
    """Remove what only a running build needs, downloaded modules and compiled packages, without waiting for it.

    It is out of the way at once; what a killed removal left goes with the next one.
    """
    trash = root() / TRASH
    trash.mkdir(exist_ok=True)
    for path in (go_modules(), root() / "work"):
        if path.exists():
            path.rename(trash / f"{path.name}-{os.getpid()}")
    # In a session of its own, since it outlives the build by half a minute.
    subprocess.Popen(
        ["rm", "-rf", "--", str(trash)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def size(path: Path) -> int:
    """Bytes that a tree takes on disk; a file with several names counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for directory, below, names in os.walk(path):
        # What is being removed counts no more, and can't be looked at safely.
        below[:] = [name for name in below if name != TRASH]
        for name in names:
            stat = os.lstat(os.path.join(directory, name))
            if (stat.st_dev, stat.st_ino) not in seen:
                seen.add((stat.st_dev, stat.st_ino))
                total += stat.st_blocks * 512
    return total


def require_space(step: str, need_bytes: int) -> None:
    """Fail before the work, not after ten minutes of it."""
    root().mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root()).free
    if free < need_bytes:
        raise BuildError(
            step=step,
            cause=f"the disk under {root()} is too full",
            evidence=f"{free / 1e9:.1f} GB free, {need_bytes / 1e9:.1f} GB needed",
            remedy="free space, or put the cache elsewhere with ROOST_LAB_CACHE",
        )


@contextmanager
def exclusive(name: str, on_wait: str) -> Generator[None, None, None]:
    """Hold the lock `name`; while another process holds it, say so once and wait."""
    root().mkdir(parents=True, exist_ok=True)
    descriptor = os.open(root() / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            print(f"{on_wait} (process {holder or 'unknown'}); waiting for it", flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
