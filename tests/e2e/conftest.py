"""Fixtures of the stories: programs and bundles once, a platform and machines for each story.

Everything here goes through what a person would use: `roost`, `kubectl`, `make`. Evidence of a
failure is gathered into artifacts/ before anything is taken down; `LAB_KEEP=failure` keeps it all up.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))
# Stories have a lab of their own: they begin by removing what is in it.
os.environ.setdefault("ROOST_LAB_NUMBER", "90")

from harness import Bundles, Platform, Story  # noqa: E402


@pytest.fixture(scope="session")
def bundles() -> Bundles:
    """Bundles made from the lab's mirror by `roost bundle create`, kept between runs."""
    return Bundles()


@pytest.fixture
def platform(bundles: Bundles, tmp_path: Path) -> Iterator[Platform]:
    """A platform with a fresh data directory that machines reach at the lab's bridge address."""
    made = Platform(tmp_path / "platform", bundles)
    yield made
    made.stop()


@pytest.fixture
def story(platform: Platform, request: pytest.FixtureRequest) -> Iterator[Story]:
    """Machines and a platform for one story; evidence is collected when it fails."""
    made = Story(platform, name=request.node.name)
    yield made
    failed = getattr(request.node, "failed", False)
    if failed:
        made.collect(ROOT / "artifacts" / request.node.name)
    if failed and os.environ.get("LAB_KEEP") == "failure":
        pytest.exit("kept as it is (LAB_KEEP=failure)", returncode=1)
    made.end()


@pytest.fixture
def seed(record_property: pytest.RecordProperty) -> random.Random:  # type: ignore[name-defined]
    """A random source whose seed is printed; set STORY_SEED to repeat a run."""
    value = int(os.environ.get("STORY_SEED", random.SystemRandom().randrange(1 << 31)))
    print(f"STORY_SEED={value}")
    return random.Random(value)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.when == "call" and report.failed:
        item.failed = True  # type: ignore[attr-defined]
