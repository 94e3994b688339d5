"""Serves the Debian packages of roost's own images (VIP, agent) with the paths of Debian's archive of all versions.

They are fetched by apt-get, named by version, and compared with roost's own lock. Called by `plan`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from lab import apt
from lab.build import cache, layout, tools
from lab.build.failure import BuildError
from lab.build.progress import Progress
from lab.build.versions import ARCHITECTURE

LOCKS = tuple(Path(__file__).resolve().parents[2] / f"src/roost/bundle/{name}.lock.json" for name in ("vip", "agent"))
HOST = "snapshot.debian.org"
ARCHIVES = {"main": "archive/debian/20261124T000000Z", "updates": "archive/debian-security/20261124T000000Z"}


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    path: str
    sha256: str
    size: int

    @property
    def target(self) -> Path:
        """Where the mirror serves it."""
        part = "updates" if self.path.startswith("pool/updates/") else "main"
        return layout.files_root() / HOST / ARCHIVES[part] / self.path


def packages() -> list[Package]:
    rows = [row for lock in LOCKS for row in json.loads(lock.read_text())[ARCHITECTURE]]
    return list({row["sha256"]: Package(**row) for row in rows}.values())


def missing() -> list[Package]:
    return [package for package in packages() if not package.target.is_file()]


def is_done() -> bool:
    return not missing()


def publish(progress: Progress) -> None:
    """Fetch what is missing; a package that is not the locked one is refused."""
    wanted = missing()
    work = cache.work("debs")
    # apt fetches as a user of its own.
    work.chmod(0o777)
    names = [f"{package.name}={package.version}" for package in wanted]
    step = "fetch the packages of roost's images"
    apt.wait_for_lists()
    tools.run([*apt.WORDS, "update"], step=step, what="the package lists", log=cache.root() / "work" / "apt.log")
    tools.capture(["apt-get", "download", *names], step=step, what="packages", env=dict(os.environ), cwd=work)
    found = {hashlib.sha256(file.read_bytes()).hexdigest(): file for file in work.glob("*.deb")}
    for package in wanted:
        file = found.get(package.sha256)
        if file is None:
            raise BuildError(
                step=step,
                cause=f"{package.name} {package.version} is not the one that the lock names",
                evidence=f"expected sha256 {package.sha256}",
                remedy="renew the lock with tools/lock_vip.py or tools/lock_agent.py",
            )
        cache.write_atomically(package.target, file.read_bytes())
    shutil.rmtree(work)
    progress.note(f"{len(wanted)} Debian packages")
