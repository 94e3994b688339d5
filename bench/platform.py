"""roost's platform for a benchmark, only through its commands, in a data directory of its own.

Called by every benchmark that needs one. Bundles are linked in, not copied.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench import processes
from lab.build import mirror
from roost.bundle.store import Store

ROOST: Final = str(Path(sys.executable).parent / "roost")
CACHE: Final = Path(os.environ.get("ROOST_LAB_CACHE", "/var/cache/roost-lab"))
VERSION: Final = "1.31.4"


class BenchError(Exception):
    """A benchmark could not be run; the message says why."""


def call(
    *words: str, timeout: float = 600, stdin: str | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """Standard output of a program that must succeed."""
    done = subprocess.run(
        words,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode != 0:
        raise BenchError(f"`{' '.join(words)}` ended with {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")
    return done.stdout


def until(ask: Callable[[], bool], *, seconds: float, what: str, every: float = 0.2) -> None:
    end = time.monotonic() + seconds
    while not ask():
        if time.monotonic() > end:
            raise BenchError(f"{what}: not within {seconds:g} s")
        time.sleep(every)


def bundles() -> Path:
    """The store with the bundle of VERSION, made from the lab's mirror where it is missing."""
    store = CACHE / "e2e-platform" / "bundles"
    if VERSION not in Store(store).versions():
        print(f"making the bundle of {VERSION} from the lab's mirror", flush=True)
        Store(store).create(VERSION, ["amd64"], mirror=mirror.ensure_running())
    return store


@dataclass(frozen=True)
class Platform:
    data_dir: Path
    port_base: int
    address: str | None = None

    def provide_bundle(self) -> None:
        """Links the bundle in, so that the first start needs nothing from elsewhere."""
        target = self.data_dir / "bundles" / VERSION
        if not target.exists():
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.data_dir / "bundles").mkdir(mode=0o700, exist_ok=True)
            shutil.copytree(bundles() / VERSION, target, copy_function=os.link)

    def up(self) -> None:
        where = ["--address", self.address] if self.address else []
        call(ROOST, "up", "--detach", "--data-dir", str(self.data_dir), "--port-base", str(self.port_base), *where)

    def down(self) -> None:
        if (self.data_dir / "platform.json").exists():
            call(ROOST, "down", "--data-dir", str(self.data_dir), timeout=90)

    def wait_pushed(self) -> None:
        """Until the registry holds the bundle: machines pull from it only then."""
        pushed = self.data_dir / "registry" / "pushed.json"
        until(lambda: pushed.exists() and VERSION in pushed.read_text(), seconds=300, what="the registry is filled")

    def kubectl(self, *words: str, stdin: str | None = None, timeout: float = 600) -> str:
        return call(*self.kubectl_words(), *words, stdin=stdin, timeout=timeout)

    def kubectl_words(self) -> tuple[str, ...]:
        """kubectl itself, without roost in front of it."""
        program = self.data_dir / "programs" / VERSION / "kubectl"
        return (str(program), "--kubeconfig", str(self.data_dir / "admin.kubeconfig"))

    def pids(self) -> dict[str, int]:
        """By name, the supervisor as `up`."""
        status = json.loads(call(ROOST, "status", "-o", "json", "--data-dir", str(self.data_dir)))
        return {each["name"]: each["pid"] for each in status["processes"]}

    def log(self) -> list[dict[str, Any]]:
        """What the controllers have logged, without lines that are no JSON."""
        found: list[dict[str, Any]] = []
        for line in (self.data_dir / "logs" / "controllers.log").read_text().splitlines():
            if line.startswith("{"):
                found.append(json.loads(line))
        return found

    def remove(self) -> None:
        self.down()
        shutil.rmtree(self.data_dir, ignore_errors=True)


def cpu(pids: Mapping[str, int]) -> dict[str, float]:
    """Processor time of each process until now."""
    return {name: processes.cpu_seconds(pid) for name, pid in pids.items()}
