"""What a removal waits for on a node, and what it does not."""

from __future__ import annotations

from typing import Any, cast

import pytest

from roost.api.errors import RetryLater
from roost.kube.client import Client
from roost.providers.onprem import drain

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Api:
    """One node with one Pod that never ends; the node stops reporting after some looks at it."""

    def __init__(self, *, reports: int) -> None:
        self.reports = reports
        self.evictions = 0

    async def call(self, method: str, path: str, **_more: Any) -> dict[str, Any]:
        if method == "GET" and path.endswith("/pods"):
            pod = {"name": "p", "namespace": "default", "uid": "1"}
            return {"items": [{"metadata": pod | ({"deletionTimestamp": "now"} if self.evictions else {})}]}
        if method == "GET":
            self.reports -= 1
            status = "True" if self.reports >= 0 else "Unknown"
            return {
                "metadata": {"name": "n", "creationTimestamp": "2026-11-24T16:00:00Z"},
                "status": {"conditions": [{"type": "Ready", "status": status}]},
            }
        self.evictions += method == "POST"
        return {}


async def test_pods_of_a_node_that_dies_meanwhile_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "INTERVAL", 0.001)
    api = Api(reports=2)
    await drain.drain(cast(Client, api), "n", seconds=30)
    assert api.evictions == 1 and api.reports == -1


async def test_pods_of_a_node_that_works_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "INTERVAL", 0.001)
    with pytest.raises(RetryLater, match="default/p: it is still ending"):
        await drain.drain(cast(Client, Api(reports=10**6)), "n", seconds=0.05)
