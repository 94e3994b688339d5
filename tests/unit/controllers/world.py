"""All controllers on an API in memory, with a scripted provider, in virtual time. For the tests beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from roost.api.masked import Masked
from roost.controllers.runtime.api import Object, Ref
from roost.controllers.wiring import Controllers
from roost.kube.resources import SECRET
from roost.providers.onprem.context import RegistrySource
from tests.unit.controllers.fake_api import FakeApi
from tests.unit.controllers.scripted import (
    CLUSTER,
    MACHINE,
    FakeStore,
    ScriptedProvider,
    background,
    cluster,
    machine,
    ref,
    secret,
)
from tests.unit.controllers.virtual_time import now


class World:
    def __init__(self, path: Path) -> None:
        self.api = FakeApi(now)
        self.provider = ScriptedProvider()
        self.store = FakeStore(path / "bundles", "1.31.4")
        self.pushed = path / "pushed.json"
        self.registry: RegistrySource | None = None
        self.pull_key: Masked | None = None
        self.dropped: list[str] = []

    @asynccontextmanager
    async def controllers(self) -> AsyncIterator[None]:
        async def connect(_target: object) -> None:
            raise AssertionError("the scripted provider opens no connection")

        async def disconnect(name: str) -> None:
            self.dropped.append(name)

        running = Controllers(
            self.api,
            provider=self.provider,
            connect=connect,  # type: ignore[arg-type]
            disconnect=disconnect,
            registry=self.registry,
            pull_key=self.pull_key,
            store=self.store,
            pushed=self.pushed,
            endpoint="https://127.0.0.1:7443",
            now=now,
            jitter=lambda: 0.5,
        )
        async with background(running.run()) as task:
            yield
            if task.done():
                task.result()

    def apply(self, *objects: Object) -> None:
        kinds = {"Cluster": CLUSTER, "Machine": MACHINE, "Secret": SECRET}
        for obj in objects:
            self.api.put(kinds[obj["kind"]], obj)

    def apply_demo(self) -> None:
        self.apply(secret(), cluster(), machine("m1", 11, role="ControlPlane"), machine("m2", 12), machine("m3", 13))

    def demo(self) -> Object:
        return self.api.objects[ref("Cluster", "demo")]

    def said(self, kind: str, name: str, condition: str) -> tuple[str, str]:
        item = self.api.condition(ref(kind, name), condition)
        assert item is not None, f"{kind} {name} has no condition {condition}"
        return item["status"], item["reason"]

    def left(self) -> list[Ref]:
        return [r for r in self.api.objects if r.namespace == "ns" and r.resource.kind != "Event"]
