"""For every test: how properties are judged, and what may run beside what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Properties are judged by what they find, never by a busy computer's time for an example.
settings.register_profile("roost", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("roost")

HERE = Path(__file__).parent


def group(path: Path) -> str:
    """Which tests one worker runs, one after the other: those that share a lab and its ports, or costly fixtures."""
    place = path.relative_to(HERE).parts
    if place[0] in ("e2e", "console"):
        return "stories"
    return "/".join(place[:2] if place[0] == "contract" else place)


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook.
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item.path)))
