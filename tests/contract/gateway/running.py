"""A gateway before real API servers, in a thread of the test process: its front on a port of its own, over TLS."""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roost.api.crds import crd_manifests
from roost.embedded import objects
from roost.gateway.run import Gateway, Settings
from roost.kube.direct import reachable
from tests.fixtures.apiserver import ApiServer, make_leaf

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def cause(self) -> str:
        """roost's own reason in a Status."""
        return self.body["details"]["causes"][0]["reason"]


def fill(platform: ApiServer) -> None:
    """What `roost up` puts into the platform's API."""
    for document in [*crd_manifests(), *objects.manifests()]:
        metadata = document["metadata"]
        plural = document["kind"].lower() + "s"
        group = document["apiVersion"]
        prefix = f"/apis/{group}" if "/" in group else f"/api/{group}"
        where = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
        answer = platform.apply(document, f"{prefix}{where}/{plural}/{metadata['name']}")
        assert answer.status in {200, 201}, answer
    deadline = time.monotonic() + 30
    while platform.call("GET", "/apis/cluster.alauda.io/v1alpha1/clusters").status != 200:
        assert time.monotonic() < deadline, "the kinds are not served"
        time.sleep(0.1)


@dataclass
class Running:
    """One gateway and its loop."""

    directory: Path
    platform: ApiServer
    changes: Callable[[Settings], Settings] = lambda settings: settings
    gateway: Gateway = field(init=False)
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _thread: threading.Thread = field(init=False)

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.leaf = make_leaf(self.directory)
        first = self.directory / "first.password"
        first.write_text(PASSWORD + "\n")
        (self.directory / "own.token").write_text("own-token-of-the-test-platform\n")
        settings = Settings(
            kubeconfig=self.platform.kubeconfig_of("system:roost:gateway"),
            certificate=self.leaf.certificate,
            key=self.leaf.key,
            ca=self.leaf.ca,
            audit=self.directory / "audit",
            hosts=("127.0.0.1",),
            port=0,
            ready=self.directory / "ready",
            own_token=self.directory / "own.token",
            first_password=first,
            allowed=reachable,
        )
        settings = self.changes(settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.do(self._start(settings))

    async def _start(self, settings: Settings) -> None:
        self.gateway = Gateway(settings)
        await self.gateway.start()
        async with asyncio.timeout(30):
            while self.gateway.store.user("admin") is None:
                await asyncio.sleep(0.05)

    def stop(self) -> None:
        self.do(self.gateway.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.gateway.port}"

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.leaf.ca))

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "",
        headers: dict[str, str] | None = None,
    ) -> Reply:
        connection = http.client.HTTPSConnection("127.0.0.1", self.gateway.port, context=self.tls(), timeout=30)
        sent = dict(headers or {})
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        if token:
            sent["Authorization"] = f"Bearer {token}"
        try:
            connection.request(method, path, body=data, headers=sent)
            response = connection.getresponse()
            raw = response.read()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, raw)
        finally:
            connection.close()

    def sign_in(self, user: str = "admin", password: str = PASSWORD) -> dict[str, Any]:
        """The tokens of a new session."""
        reply = self.call("POST", "/roost/v1/login?mode=token", {"username": user, "password": password})
        assert reply.status == 200, reply
        return reply.body

    def raw(self, data: bytes, *, seconds: float = 10.0) -> bytes:
        """Bytes as they are, and everything that comes back until the gateway closes or falls silent."""
        import socket

        with socket.create_connection(("127.0.0.1", self.gateway.port), timeout=seconds) as plain:
            with self.tls().wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                connection.sendall(data)
                found = b""
                try:
                    while piece := connection.recv(65536):
                        found += piece
                except (TimeoutError, ssl.SSLError, ConnectionError):
                    pass
                return found
