"""The processes that `bench.gateway` measures, started and ended together; and the gateway's process itself.

`python -m bench.gateway_side gateway DIRECTORY` is a gateway that may reach loopback, which a real one may not.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
VERSION: Final = "1.31.4"
PASSWORD: Final = "of the bench, for a gateway on loopback"
CLUSTERS: Final = "/apis/cluster.alauda.io/v1alpha1/namespaces/default/clusters"


@dataclass
class Side:
    target_url: str
    target_ca: Path
    target_token: str
    gateway_url: str
    gateway_ca: Path
    gateway_token: str
    peer_url: str
    gateway_pid: int
    agent: Path
    """Directory with the settings of the agent."""

    def idle_tunnels(self, count: int) -> float:
        """Bytes of resident memory that so many further tunnels cost the gateway."""
        before = _resident(self.gateway_pid)
        words = [sys.executable, "-m", "bench.gateway_side", "idle", str(self.agent), str(count)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as started:
            assert started.stdout is not None
            line = started.stdout.readline()
            try:
                if line.strip() != "up":
                    raise RuntimeError(f"{count} tunnels did not come up: {line}")
                time.sleep(5)
                return float(_resident(self.gateway_pid) - before)
            finally:
                started.terminate()


@contextlib.contextmanager
def everything(work: Path, port_base: int, peer: Path) -> Generator[Side]:
    """One API server, a gateway before it, an agent, and both ends of the peer."""
    from bench.gateway import process, python
    from bench.platform import until
    from tests.fixtures import apiserver

    with ExitStack() as stack:
        directory = work / "target"
        directory.mkdir(parents=True)
        server = apiserver._start(VERSION, directory, stack)  # pyright: ignore[reportPrivateUsage]
        tls = work / "gateway"
        tls.mkdir()
        leaf = apiserver.make_leaf(tls)
        port, peer_port = port_base + 445, port_base + 446
        _fill(server)
        settings = {
            "kubeconfig": str(server.kubeconfig_of("system:roost:gateway")),
            "certificate": str(leaf.certificate),
            "key": str(leaf.key),
            "ca": str(leaf.ca),
            "port": port,
        }
        (tls / "settings.json").write_text(json.dumps(settings))
        (tls / "own.token").write_text(base64.b64encode(os.urandom(24)).decode() + "\n")
        where = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
        pid = stack.enter_context(
            process(python("-m", "bench.gateway_side", "gateway", str(tls)), work / "gateway.log", where)
        )
        until((tls / "ready").exists, seconds=120, what="the gateway is ready")
        token = _sign_in(port, leaf.ca)
        agent = _agent(work / "agent", server, f"https://127.0.0.1:{port}", leaf.ca.read_text())
        environment = where | _environment(agent, server, port_base + 447)
        stack.enter_context(process(python("-m", "roost.tunnel.agent"), work / "agent.log", environment))
        until(lambda: "tunnel up" in (work / "agent.log").read_text(), seconds=120, what="the agent is connected")
        words = [f"-listen=127.0.0.1:{peer_port}", f"-cert={leaf.certificate}", f"-key={leaf.key}"]
        words += [f"-target={server.url}", f"-ca={server.ca}"]
        stack.enter_context(process([str(peer), "server", *words], work / "peer-server.log"))
        words = [f"-to=wss://127.0.0.1:{peer_port}/connect", f"-ca={leaf.ca}"]
        stack.enter_context(process([str(peer), "client", *words], work / "peer-client.log"))
        time.sleep(2)
        yield Side(
            server.url,
            server.ca,
            server.tokens["admin"],
            f"https://127.0.0.1:{port}",
            leaf.ca,
            token,
            f"https://127.0.0.1:{peer_port}",
            pid,
            agent,
        )


def _sign_in(port: int, ca: Path) -> str:
    """The token of a person's session: what is measured signs in, authorises, audits and impersonates."""
    context = ssl.create_default_context(cafile=str(ca))
    body = json.dumps({"username": "admin", "password": PASSWORD})
    end = time.monotonic() + 60
    while True:
        # The first administrator is made in the first moments.
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=30)
        connection.request("POST", "/roost/v1/login?mode=token", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        found = json.loads(answer.read())
        connection.close()
        if answer.status == 200:
            return str(found["accessToken"])
        if time.monotonic() > end:
            raise RuntimeError(f"nobody can sign in: {found}")
        time.sleep(3)


def _fill(server: Any) -> None:
    """What `roost up` puts into the API, two Clusters that are the API server itself, and large answers."""
    import yaml

    from bench.gateway import OBJECTS
    from tests.contract.gateway.running import fill

    fill(server)
    for name, spec in (
        ("plain", {"version": VERSION, "onPremises": {"controlPlaneEndpoint": {"host": "10.0.0.10"}}}),
        ("edge", {"registered": {}}),
    ):
        meta = {"name": name, "namespace": "default", "annotations": {"cluster.alauda.io/id": f"id-{name}"}}
        document = {"apiVersion": "cluster.alauda.io/v1alpha1", "kind": "Cluster", "metadata": meta, "spec": spec}
        answer = server.call("POST", CLUSTERS, document)
        assert answer.status == 201, answer
    found = yaml.safe_load(server.kubeconfig.read_text())
    entry = found["clusters"][0]["cluster"]
    entry["certificate-authority-data"] = base64.b64encode(
        Path(entry.pop("certificate-authority")).read_bytes()
    ).decode()
    value = base64.b64encode(yaml.safe_dump(found).encode()).decode()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "plain-kubeconfig"},
        "data": {"value": value},
    }
    server.call("POST", "/api/v1/namespaces/default/secrets", secret)
    server.call(
        "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bench"}}
    )
    text = base64.b64encode(os.urandom(520_000)).decode()
    for number in range(OBJECTS):
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c{number}"}, "data": {"v": text}}
        server.call("POST", "/api/v1/namespaces/bench/configmaps", document)


def _agent(directory: Path, server: Any, url: str, ca_pem: str) -> Path:
    """Settings as the manifest gives them, and the objects that the agent needs."""
    from roost.providers.registered import creating
    from tests.contract.tunnel.platform_end import POLICY, prepare_cluster

    prepare_cluster(server, POLICY)
    asked = creating.Registration("default", "edge", (url,), ca_pem, "bench")
    text, _ = asyncio.run(creating.create(_Platform(server), asked, sleep=asyncio.sleep))
    documents = [json.loads(each) for each in text.split("---\n")[1:]]
    for each in documents:
        if each["kind"] in {"ClusterRole", "ClusterRoleBinding"}:
            plural = each["kind"].lower() + "s"
            server.apply(each, f"/apis/rbac.authorization.k8s.io/v1/{plural}/{each['metadata']['name']}")
    found = {(each["kind"], each["metadata"]["name"]): each for each in documents}
    for name in ("config", "token", "account"):
        (directory / name).mkdir(parents=True)
    (directory / "config/config.json").write_text(found["ConfigMap", "roost-agent-config"]["data"]["config.json"])
    (directory / "token/token").write_text(found["Secret", "roost-agent-token"]["stringData"]["token"])
    (directory / "account/token").write_text(server.tokens["admin"])
    (directory / "account/namespace").write_text("roost-agent")
    (directory / "account/ca.crt").write_text(server.ca.read_text())
    (directory / "where.json").write_text(json.dumps({"port": int(server.url.rsplit(":", 1)[1])}))
    return directory


def _environment(agent: Path, server: Any, health: int) -> dict[str, str]:
    return {
        "ROOST_AGENT_CONFIG": str(agent),
        "ROOST_AGENT_ACCOUNT": str(agent / "account"),
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": server.url.rsplit(":", 1)[1],
        "ROOST_AGENT_HEALTH_PORT": str(health),
    }


class _Platform:
    """creating.Platform with the administrator's rights."""

    def __init__(self, server: Any) -> None:
        self._server = server

    async def get(self, path: str) -> dict[str, Any]:
        return self._done(self._server.call("GET", path))

    async def create(self, path: str, body: Any) -> dict[str, Any]:
        return self._done(self._server.call("POST", path, body))

    def _done(self, answer: Any) -> dict[str, Any]:
        assert answer.status < 300, answer
        return answer.body


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _gateway(directory: Path) -> None:
    from roost.gateway.registration.registrar import Authority
    from roost.gateway.run import Settings, serve
    from roost.kube import pki
    from roost.kube.direct import reachable

    found = json.loads((directory / "settings.json").read_text())
    authority = pki.create_authority("bench", now=pki.utc_now())
    (directory / "first").write_text(PASSWORD + "\n")
    serve(
        Settings(
            kubeconfig=Path(found["kubeconfig"]),
            certificate=Path(found["certificate"]),
            key=Path(found["key"]),
            ca=Path(found["ca"]),
            audit=directory / "audit",
            hosts=("127.0.0.1",),
            port=int(found["port"]),
            ready=directory / "ready",
            own_token=directory / "own.token",
            first_password=directory / "first",
            tunnel_authority=Authority(authority.certificate_pem, authority.key_pem),
            allowed=reachable,
        )
    )


async def _idle(agent: Path, count: int) -> None:
    """So many tunnels of the registered agent, which carry nothing."""
    from roost.tunnel.agent import settings
    from roost.tunnel.agent.agent import Agent
    from roost.tunnel.agent.link import Link

    port = json.loads((agent / "where.json").read_text())["port"]
    environment = {
        "ROOST_AGENT_CONFIG": str(agent),
        "ROOST_AGENT_ACCOUNT": str(agent / "account"),
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(port),
    }
    chosen = settings.load(environment)
    one = Agent(chosen, lambda *_, **__: None)
    await one._learn()  # pyright: ignore[reportPrivateUsage]
    links = [Link(one, chosen.urls, number, set) for number in range(count)]
    tasks: list[asyncio.Task[None]] = []
    for number, link in enumerate(links):
        tasks.append(asyncio.create_task(link.run()))
        if number % 20 == 19:
            await asyncio.sleep(0.2)
    while not all(link.connected for link in links):
        await asyncio.sleep(0.2)
    sys.stdout.write("up\n")
    sys.stdout.flush()
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    if sys.argv[1] == "gateway":
        _gateway(Path(sys.argv[2]))
    else:
        asyncio.run(_idle(Path(sys.argv[2]), int(sys.argv[3])))
