"""What the gateway does before the first requests to a cluster pass."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from roost.gateway import clusters
from roost.gateway.clusters import Clusters, Known
from roost.kube.direct import Direct
from roost.kube.kubeconfig import Access
from roost.kube.lean import Lean

KNOWN = Known(
    namespace="default", name="demo", id="1", registered=False, attached=False, deleting=False, resource_version="1"
)


class Roles:
    """Stands for a cluster's API: an object is written once `let` is set."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.written = 0

    async def apply(self, path: str, document: dict[str, Any], *, manager: str) -> None:
        await self.let.wait()
        self.written += 1


def test_requests_beside_the_first_wait_for_the_roles_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page asks for several things at once; each would be refused while the roles are not there."""
    roles = Roles()

    reached = clusters._Reached(cast("Direct", object()), cast("Access", object()), 0.0)  # pyright: ignore[reportPrivateUsage]

    async def read(_self: Clusters, _known: Known, _former: object) -> object:
        return reached

    def lean(_direct: Direct) -> Roles:
        return roles

    monkeypatch.setattr(Clusters, "_read", read)
    monkeypatch.setattr(clusters, "Lean", lean)

    async def asked_at_once() -> None:
        door = Clusters(cast("Lean", object()))
        asked = [asyncio.create_task(door.upstream(KNOWN)) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in asked)
        roles.let.set()
        await asyncio.wait_for(asyncio.gather(*asked), timeout=5)
        assert roles.written > 0
        # Afterwards nobody waits.
        roles.let.clear()
        await asyncio.wait_for(door.upstream(KNOWN), timeout=1)

    asyncio.run(asked_at_once())
