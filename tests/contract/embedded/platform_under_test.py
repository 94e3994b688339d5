"""A platform of its own for tests: real programs out of the lab's cache, a directory and ports of its own."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.build import programs
from roost.embedded.layout import Layout
from roost.embedded.ports import Ports

KUBERNETES, ETCD, REGISTRY = "1.31.4", "3.5.15", "3.0.0"
WITHOUT = "controllers"


def gather(directory: Path) -> Path:
    """The platform's programs in one directory, as `--programs` wants them."""
    directory.mkdir(exist_ok=True)
    wanted = {"etcd": ETCD, "registry": REGISTRY} | dict.fromkeys(
        ("kube-apiserver", "kube-controller-manager", "kubectl"), KUBERNETES
    )
    for name, version in wanted.items():
        link = directory / name
        if not link.exists():
            link.symlink_to(programs.path(name, version))
    return directory


def free_base() -> int:
    """A base whose ports are all free now."""
    while True:
        base = random.randrange(30000, 55000, 10)
        if all(_free(port) for _, _, port in Ports(base).listening("127.0.0.1")):
            return base


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass
class Platform:
    """Commands against one data directory."""

    root: Path
    programs: Path
    base: int = field(default_factory=free_base)

    @property
    def layout(self) -> Layout:
        return Layout(self.root)

    def roost(self, *arguments: str, text: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "roost.cli.entry", *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={**os.environ, "ROOST_DATA_DIR": str(self.root), "ROOST_LANG": "en", **environment},
        )

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        done = self.roost("kubectl", *arguments, text=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        given = ("--programs", str(self.programs), "--port-base", str(self.base), "--without", WITHOUT, *arguments)
        return self.roost("up", "--detach", *given)

    def start(self) -> None:
        done = self.up()
        assert done.returncode == 0, done.stderr

    def status(self) -> dict[str, Any]:
        return json.loads(self.roost("status", "-o", "json").stdout)

    def pids(self) -> dict[str, int]:
        return {process["name"]: process["pid"] for process in self.status()["processes"]}
