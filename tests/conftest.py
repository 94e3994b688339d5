"""For every test: how properties are judged, and what may run beside what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# Properties are judged by what they find, never by a busy computer's time for an example.
settings.register_profile("roost", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("roost")


def group(node_id: str) -> str:
    """Which tests one worker runs, one after the other: those that share a lab and its ports, or costly fixtures."""
    place = node_id.partition("::")[0].split("/")
    if place[1] in ("e2e", "console"):
        return "stories"
    if place[1] == "unit":
        # Those of the engine wait for processes most of the time: one file of them would outlast all others.
        return node_id.partition("[")[0]
    return "/".join(place[:3] if place[1] == "contract" else place)


class ByRoom(LoadScopeScheduling):
    """Where several workers run (`pytest -n 2 --dist loadscope`)."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return ByRoom(config, log)
