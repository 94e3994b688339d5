"""A fake mirror with one release, and a store that creates from it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from roost.bundle import agentimage, vipimage
from roost.bundle.fetch import Fetcher
from roost.bundle.model import Bundle
from roost.bundle.probe import probe_path
from roost.bundle.store import Store
from tests.contract.bundle.fake_mirror import PACKAGES, Mirror, probe_directory


@pytest.fixture(autouse=True)
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The packages of the fake mirror in place of Debian's."""
    locked = {architecture: tuple(package for package, _ in rows) for architecture, rows in PACKAGES.items()}
    monkeypatch.setattr(vipimage, "lock", lambda: locked)
    monkeypatch.setattr(agentimage, "lock", lambda: locked)
    agentimage.tag.cache_clear()


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with Mirror() as running:
        running.add_release("1.31.4")
        yield running


class Maker:
    """A store under tmp_path whose runs never sleep."""

    def __init__(self, path: Path, mirror: Mirror) -> None:
        self.store = Store(path / "bundles")
        self.mirror = mirror
        self.probes = path / "probes"
        self.probes.mkdir()
        probe_directory(self.probes)
        self.slept: list[float] = []

    def create(self, *architectures: str, version: str = "1.31.4", **options: Any) -> Bundle:
        return self.store.create(
            version,
            architectures or ("amd64",),
            mirror=self.mirror.url,
            probe_path=partial(probe_path, directory=self.probes),
            fetcher=Fetcher(timeout=10, sleep=self.slept.append),
            **options,
        )


@pytest.fixture
def maker(tmp_path: Path, mirror: Mirror) -> Maker:
    return Maker(tmp_path, mirror)
