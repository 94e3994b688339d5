"""A real API server with roost's kinds and access, and the controllers on it as the process runs them."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import structlog

from lab.build import programs
from roost.api.crds import crd_manifests
from roost.api.names import CONTROLLERS_USER
from roost.bundle import store as stores
from roost.controllers import run as running
from roost.controllers.runtime.platform import PlatformApi
from roost.embedded import objects
from roost.kube.apply import server_side_apply
from roost.kube.client import connect
from roost.ssh.connection import Connection, Target
from roost.ssh.pool import Pool
from tests.fixtures.apiserver import ApiServer
from tests.unit.controllers.scripted import FakeStore, ScriptedProvider

VERSION = "1.31.4"
_NUMBERS = itertools.count(1)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def plain_log() -> Iterator[None]:
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def api(apiserver: Callable[[str], ApiServer]) -> ApiServer:
    server = apiserver(VERSION)

    async def fill() -> None:
        client = connect(server.kubeconfig)
        await server_side_apply(client, [*crd_manifests(), *objects.manifests()], field_manager="test")
        await client.close()

    asyncio.run(fill())
    return server


@pytest.fixture(scope="session")
def controller_manager(api: ApiServer) -> Iterator[None]:
    """Kubernetes' own namespace and garbage collection, as the embedded platform runs them."""
    log = (api.directory / "kube-controller-manager.log").open("wb")
    process = subprocess.Popen(
        [
            programs.path("kube-controller-manager", VERSION),
            f"--kubeconfig={api.kubeconfig}",
            "--controllers=namespace-controller,garbage-collector-controller",
            "--leader-elect=false",
            "--secure-port=0",
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    yield
    process.terminate()
    process.wait(20)
    log.close()


class Platform:
    """The controllers with a scripted provider, and what a person does with kubectl."""

    def __init__(self, api: ApiServer, directory: Path, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.api = api
        self.namespace = namespace
        self.directory = directory
        self.provider = ScriptedProvider(step=0.5)
        self.requests: list[PlatformApi] = []
        FakeStore(directory / "bundles", VERSION)
        monkeypatch.setattr(stores, "Store", FakeStore)
        monkeypatch.setattr(running, "Store", FakeStore)
        keep, own = self.requests, running.PlatformApi

        def counted(client: Any) -> PlatformApi:
            keep.append(own(client))
            return keep[-1]

        monkeypatch.setattr(running, "PlatformApi", counted)

    async def serve(self) -> None:
        """One process of controllers, until cancelled."""

        async def no_machine(target: Target) -> Connection:
            raise AssertionError(f"the scripted provider opens no connection to {target.name}")

        await running.serve(
            kubeconfig=self.api.kubeconfig_of(CONTROLLERS_USER),
            data_dir=self.directory,
            registry=None,
            pushed=self.directory / "pushed.json",
            provider=self.provider,
            pool=Pool(no_machine),
        )

    @asynccontextmanager
    async def controllers(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.serve())
        try:
            await self.until(lambda: (self.directory / "run/controllers.ready").exists() or task.done(), seconds=20)
            yield
        finally:
            early = task.done()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert not early, "the controllers ended by themselves"

    async def until(self, true: Callable[[], object], *, seconds: float = 20) -> float:
        """Waits; gives how long it took."""
        start = time.monotonic()
        while not true():
            assert time.monotonic() - start < seconds, "not in time"
            await asyncio.sleep(0.05)
        return time.monotonic() - start

    async def call(self, method: str, path: str, body: object = None) -> Any:
        content = "application/merge-patch+json" if method == "PATCH" else "application/json"
        return await asyncio.to_thread(self.api.call, method, path, body, content_type=content)

    def path(self, kind: str, name: str = "") -> str:
        group = "/api/v1" if kind in {"Secret", "Event"} else "/apis/cluster.alauda.io/v1alpha1"
        return f"{group}/namespaces/{self.namespace}/{kind.lower()}s" + (f"/{name}" if name else "")

    async def apply(self, *items: dict[str, Any]) -> None:
        for item in items:
            item["metadata"]["namespace"] = self.namespace
            path = self.path(item["kind"], item["metadata"]["name"])
            answer = await asyncio.to_thread(self.api.apply, item, path)
            assert answer.status < 300, answer.body

    async def patch(self, kind: str, name: str, patch: dict[str, Any]) -> None:
        answer = await self.call("PATCH", self.path(kind, name), patch)
        assert answer.status < 300, answer.body

    async def delete(self, kind: str, name: str) -> None:
        answer = await self.call("DELETE", self.path(kind, name))
        assert answer.status < 300, answer.body

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        answer = self.api.call("GET", self.path(kind, name))
        return answer.body if answer.status == 200 else None

    def phase(self, name: str = "demo") -> str:
        return ((self.get("Cluster", name) or {}).get("status") or {}).get("phase", "")

    def condition(self, kind: str, name: str, condition: str) -> dict[str, Any]:
        found = ((self.get(kind, name) or {}).get("status") or {}).get("conditions") or []
        return next((item for item in found if item["type"] == condition), {})

    def left(self) -> list[str]:
        names: list[str] = []
        for kind in ("Cluster", "Machine", "Secret", "Plan"):
            answer = self.api.call("GET", self.path(kind))
            names += [f"{kind}/{item['metadata']['name']}" for item in answer.body.get("items", [])]
        return names

    def count(self) -> int:
        return sum(one.requests for one in self.requests)


@pytest.fixture
def platform(api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    namespace = f"t{next(_NUMBERS)}"
    answer = api.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    assert answer.status == 201, answer.body
    platform = Platform(api, tmp_path, namespace, monkeypatch)
    yield platform
    # The next test's controllers see every namespace.
    for name in platform.left():
        path = platform.path(*name.split("/"))
        patch = {"metadata": {"finalizers": None}}
        api.call("PATCH", path, patch, content_type="application/merge-patch+json")
        api.call("DELETE", path)
