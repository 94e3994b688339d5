"""One platform for all tests of this folder, started once; tests leave it running and ready."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.build.failure import BuildError
from tests.contract.embedded.platform_under_test import Platform, gather


@pytest.fixture(scope="session")
def real_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return gather(tmp_path_factory.mktemp("programs"))
    except BuildError as error:
        pytest.skip(f"not built: {error}")


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, real_programs: Path) -> Iterator[Platform]:
    found = Platform(tmp_path_factory.mktemp("platform") / "data", real_programs)
    found.start()
    yield found
    found.roost("down")


@pytest.fixture
def platform(running: Platform) -> Platform:
    """The platform, ready, whatever the test before did to it."""
    if running.status()["state"] != "ready":
        running.start()
    return running
