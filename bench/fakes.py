"""Clusters that are none: the agent's own code and protocol, before an API server that is a few dictionaries.

`python -m bench.fakes SETTINGS`: one process with many of them. What the platform sees is what it sees of real ones:
tunnels over TLS, certificates got for tokens, heartbeats, and answers of true size to everything that it asks.
Commands come on standard input: `flip NUMBER` makes a cluster's /readyz fail, or pass again.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from roost.api.exchange import RequestHead
from roost.kube import pki
from roost.tunnel.agent import agent as agents
from roost.tunnel.agent.api import ApiProblem, Place
from roost.tunnel.agent.enrol import IDENTITY
from roost.tunnel.agent.settings import Settings
from roost.wire.http1 import AnswerHead

VERSION: Final = "1.31.4"
NODES: Final = 3
PODS: Final = 20
CONNECTING: Final = 20
"""Clusters a second that begin to connect."""


class World:
    """What all clusters of a process answer alike, as bytes."""

    def __init__(self) -> None:
        authority = pki.create_authority("fake", now=pki.utc_now()).certificate_pem
        self.answers: dict[str, bytes] = {
            "/version": _json({"major": "1", "minor": "31", "gitVersion": f"v{VERSION}"}),
            "/api/v1/nodes": _json({"kind": "NodeList", "items": [_node(number) for number in range(NODES)]}),
            "/api/v1/pods": _json({"kind": "PodList", "metadata": {}, "items": [_pod(n) for n in range(PODS)]}),
        }
        for name, data in (
            ("kube-root-ca.crt", {"ca.crt": authority}),
            (
                "extension-apiserver-authentication",
                {"client-ca-file": authority, "requestheader-client-ca-file": authority},
            ),
        ):
            path = f"/api/v1/namespaces/kube-system/configmaps/{name}"
            self.answers[path] = _json({"kind": "ConfigMap", "metadata": {"name": name}, "data": data})


class FakeApi:
    """In the place of tunnel.agent.api.Api."""

    world: World
    """Set once for the process."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.ready = True
        self._uid = str(uuid.uuid4())
        self._secret: dict[str, Any] = {"metadata": {"resourceVersion": "1"}, "data": {}}

    async def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, **_: Any) -> dict[str, Any]:
        if path.endswith(f"/secrets/{IDENTITY}"):
            if method == "PATCH" and body is not None:
                self._secret = {
                    "metadata": {"resourceVersion": "1"},
                    "data": {**self._secret["data"], **body["data"]},
                }
            return self._secret
        if path.endswith("/configmaps/roost-agent-policy"):
            return {"data": {"maxProfile": "Admin", "namespaces": "*", "exec": "true", "secrets": "true"}}
        status, raw = self.answer(path)
        if status >= 300:
            raise ApiProblem(status, f"{method} {path}")
        return json.loads(raw)

    async def fetch(self, _method: str, path: str, **_: Any) -> tuple[int, bytes]:
        return self.answer(path)

    def answer(self, target: str) -> tuple[int, bytes]:
        path = target.partition("?")[0]
        if path == "/readyz":
            words = b"[+]ping ok\n[+]etcd ok\n" if self.ready else b"[+]ping ok\n[-]etcd failed: reason withheld\n"
            return (200 if self.ready else 500), words
        if path == "/api/v1/namespaces/kube-system":
            return 200, _json({"kind": "Namespace", "metadata": {"name": "kube-system", "uid": self._uid}})
        found = self.world.answers.get(path)
        if found is None:
            return 404, _json({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404})
        return 200, found

    async def connect(self, **_: bool) -> FakeConnection:
        return FakeConnection(self)

    def give_back(self, _: FakeConnection) -> None: ...

    def head_for(self, head: RequestHead, **_: bool) -> bytes:
        return head.target.encode()


class FakeConnection:
    """In the place of wire.http1.Connection: answers at once."""

    reused = False

    def __init__(self, api: FakeApi) -> None:
        self._api = api
        self._status, self._left = 0, b""

    def request(self, _method: str, head: bytes) -> None:
        self._status, self._left = self._api.answer(head.decode())

    def sent(self) -> None: ...

    async def write(self, *_: bytes) -> None: ...

    async def head(self) -> AnswerHead:
        size = str(len(self._left)).encode()
        return AnswerHead(self._status, "", ((b"Content-Type", b"application/json"), (b"Content-Length", size)))

    async def read(self, _limit: int = 0) -> bytes:
        left, self._left = self._left, b""
        return left

    def abort(self) -> None: ...


async def _run(found: dict[str, Any]) -> None:
    FakeApi.world = World()
    agents.Api = FakeApi  # type: ignore[misc,assignment] # pyright: ignore
    tasks: list[asyncio.Task[None]] = []
    made: dict[int, agents.Agent] = {}
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks.append(asyncio.create_task(_obey(reader, made)))
    for entry in found["clusters"]:
        token = Path(found["directory"]) / f"token-{entry['number']}"
        token.write_text(entry["token"])
        nothing = Path("/nonexistent")
        place = Place("fake", 443, nothing, nothing, "roost-agent")
        settings = Settings(
            entry["id"], tuple(found["urls"]), found["ca"], token, nothing, place, "roost-agent-0", exit_after=600
        )
        agent = agents.Agent(settings, lambda *_, **__: None)
        made[entry["number"]] = agent
        tasks.append(asyncio.create_task(agent.run()))
        await asyncio.sleep(1 / CONNECTING)
    sys.stdout.write("all begun\n")
    sys.stdout.flush()
    await asyncio.gather(*tasks)


async def _obey(reader: asyncio.StreamReader, made: dict[int, agents.Agent]) -> None:
    while line := await reader.readline():
        word, _, number = line.decode().strip().partition(" ")
        if word == "flip":
            api: Any = made[int(number)]._api  # pyright: ignore[reportPrivateUsage]
            api.ready = not api.ready
            sys.stdout.write(f"{number} {api.ready} {time.time()}\n")
            sys.stdout.flush()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _node(number: int) -> dict[str, Any]:
    """Of the size of a real one: with its images, conditions and managed fields."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    amounts = {"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi", "hugepages-2Mi": "0"}
    kinds = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
    conditions = [
        {
            "type": kind,
            "status": "True" if kind == "Ready" else "False",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
            "reason": f"KubeletHas{kind}",
            "message": f"kubelet has sufficient {kind} available",
        }
        for kind in kinds
    ]
    images = [
        {
            "names": [f"registry.example.com/team/image-{n}@sha256:{uuid.uuid4().hex * 2}", f"image-{n}:v1.{n}"],
            "sizeBytes": 10_000_000 + n,
        }
        for n in range(30)
    ]
    fields = {f"f:field-{n}": {".": {}, "f:status": {}, "f:reason": {}} for n in range(40)}
    return {
        "metadata": {
            "name": f"node-{number}",
            "uid": str(uuid.uuid4()),
            "labels": {f"example.com/label-{n}": str(n) for n in range(15)},
            "managedFields": [{"manager": "kubelet", "operation": "Update", "time": now, "fieldsV1": fields}],
        },
        "spec": {"podCIDR": f"10.3.{number}.0/24", "podCIDRs": [f"10.3.{number}.0/24"]},
        "status": {
            "capacity": amounts,
            "allocatable": amounts,
            "conditions": conditions,
            "addresses": [{"type": "InternalIP", "address": f"192.0.2.{number}"}],
            "nodeInfo": {"kubeletVersion": f"v{VERSION}", "osImage": "Debian GNU/Linux 12 (bookworm)"},
            "images": images,
        },
    }


def _pod(number: int) -> dict[str, Any]:
    """Of the size of a real one."""
    request = {"requests": {"cpu": "100m", "memory": "128Mi"}}
    mount = {"name": "token", "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    fields = {f"f:field-{n}": {".": {}, "f:status": {}} for n in range(40)}
    return {
        "metadata": {
            "name": f"pod-{number}",
            "namespace": "default",
            "uid": str(uuid.uuid4()),
            "labels": {f"label-{n}": str(n) for n in range(6)},
            "managedFields": [{"manager": "kubelet", "operation": "Update", "fieldsV1": fields}],
        },
        "spec": {"containers": [{"name": "main", "image": "main:v1", "resources": request, "volumeMounts": [mount]}]},
        "status": {"phase": "Running", "podIP": f"10.3.0.{number}", "startTime": "2026-01-01T00:00:00Z"},
    }


if __name__ == "__main__":
    asyncio.run(_run(json.loads(Path(sys.argv[1]).read_text())))
