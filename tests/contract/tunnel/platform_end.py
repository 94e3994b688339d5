"""The platform's end of tunnels for tests: a TLS front of a few lines, the Hub, and a registrar with a CA of its own.

Also the agent's end, run in the test's own loop beside a real kube-apiserver.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from roost.api.exchange import Identity, RequestHead, ResponseHead, Upstream
from roost.kube import pki
from roost.tunnel import carrier, proof
from roost.tunnel.agent.agent import Agent
from roost.tunnel.agent.api import Place
from roost.tunnel.agent.settings import Settings
from roost.tunnel.heads import Challenge, Hello, Reject
from roost.tunnel.server import Admitted, Arrival, Hub, Rejected
from tests.fixtures.apiserver import ApiServer, make_leaf

CLUSTER = "c0ffee"
ADMIN = Identity("roost:user:ada", groups=("roost:group:admins", "system:authenticated"))


@dataclass
class CertificateRegistrar:
    """Admits whoever proves a certificate of its CA. The tokens are those of the test."""

    authority: pki.KeyPair
    tokens: dict[str, str] = field(default_factory=dict)
    """Token to the key that it was used for."""
    refuse: Reject | None = None
    life: timedelta = proof.LIFE

    def enrol(self, token: str, body: dict[str, Any]) -> str:
        key = proof.key_of_request(body["request"])
        if token not in self.tokens or self.tokens[token] not in {"", key}:
            raise Rejected(Reject("bad_token", "the token is unknown or used", retryable=False))
        self.tokens[token] = key
        return self._issue(body["request"])

    async def admit(self, challenge: Challenge, hello: Hello, peer: str) -> Admitted:
        if self.refuse is not None:
            raise Rejected(self.refuse)
        try:
            found = proof.examine(hello.certificate, self.authority.certificate_pem, now=pki.utc_now())
            proof.verify(hello.certificate, hello.signature, challenge.signed(hello.session))
        except proof.ProofRefused as error:
            raise Rejected(Reject(error.code, str(error))) from error
        return Admitted(found.cluster_id, found.fingerprint, found.expires.timestamp())

    async def renew(self, admitted: Admitted, request_pem: str) -> str:
        return self._issue(request_pem)

    def _issue(self, request_pem: str) -> str:
        return proof.issue(
            self.authority.certificate_pem,
            self.authority.key_pem.reveal(),
            request_pem,
            cluster_id=CLUSTER,
            now=pki.utc_now(),
            life=self.life,
        )


@dataclass
class Front:
    """Takes TLS connections and hands those for a tunnel to the Hub, as the gateway does."""

    hub: Hub
    registrar: CertificateRegistrar
    tls: ssl.SSLContext
    port: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _transports: set[asyncio.Transport] = field(default_factory=set)
    _sweep: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls, limit=65536)
        self.port = self._server.sockets[0].getsockname()[1]
        self._sweep = asyncio.get_running_loop().create_task(self.hub.run())

    async def kill(self) -> None:
        """As kill -9 does: no goodbye."""
        assert self._server is not None and self._sweep is not None
        self._server.close()
        self._sweep.cancel()
        for transport in list(self._transports):
            transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._transports.add(writer.transport)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._request(reader, writer)
        self._tasks.discard(task)
        self._transports.discard(writer.transport)
        writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = await reader.readuntil(b"\r\n\r\n")
        first, *lines = raw[:-4].split(b"\r\n")
        headers = tuple((n, v.strip()) for n, _, v in (line.partition(b":") for line in lines))
        path = first.split(b" ")[1].decode()
        if path == carrier.PATH:
            early = bytes(reader._buffer)  # pyright: ignore
            await self.hub.serve(Arrival(writer.transport, headers, early, "127.0.0.1"))
            return
        known = {name.lower(): value for name, value in headers}
        body = json.loads(await reader.readexactly(int(known[b"content-length"])))
        try:
            answer = {"certificate": self.registrar.enrol(known[b"authorization"].decode().split()[1], body)}
            status = b"200 OK"
        except Rejected as rejected:
            answer, status = {"code": rejected.reject.code, "message": str(rejected)}, b"403 Forbidden"
        content = json.dumps(answer).encode()
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(content), content))
        await writer.drain()


@dataclass
class Ends:
    """Both ends of a tunnel beside an API server."""

    server: ApiServer
    front: Front
    registrar: CertificateRegistrar
    settings: Settings
    agents: list[asyncio.Task[None]] = field(default_factory=list)
    objects: list[Agent] = field(default_factory=list)
    lines: list[dict[str, object]] = field(default_factory=list)
    """The agent's log."""

    @property
    def hub(self) -> Hub:
        return self.front.hub

    @property
    def upstream(self) -> Upstream:
        found = self.hub.upstream(CLUSTER)
        assert found is not None, self.hub.absence(CLUSTER)
        return found

    def start_agent(self) -> Agent:
        agent = Agent(self.settings, lambda what, **facts: self.lines.append({"what": what, **facts}))
        self.objects.append(agent)
        self.agents.append(asyncio.get_running_loop().create_task(agent.run()))
        return agent

    async def connected(self, *, tunnels: int = 1, seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            # The hub knows of a tunnel a moment before its agent has heard that it is let in.
            while len(self.hub.sessions(CLUSTER)) < tunnels or not all(each.ready[0] for each in self.objects):
                for task in self.agents:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.02)

    async def ask(self, method: str, target: str, body: bytes = b"", **more: Any) -> tuple[ResponseHead, bytes]:
        """One whole request."""
        exchange = await self.upstream.open(head(method, target, length=len(body), **more))
        try:
            if body:
                await exchange.write(body)
            await exchange.write_eof()
            answer = await exchange.head()
            pieces: list[bytes] = []
            while piece := await exchange.read():
                pieces.append(piece)
            return answer, b"".join(pieces)
        finally:
            await exchange.abort()


def head(
    method: str,
    target: str,
    *,
    length: int | None = 0,
    identity: Identity = ADMIN,
    headers: tuple[tuple[bytes, bytes], ...] = ((b"Accept", b"application/json"),),
    upgrade: bool = False,
) -> RequestHead:
    return RequestHead(method, target, headers, identity, "audit-1", upgrade, length)


POLICY = {"maxProfile": "Admin", "namespaces": "*", "exec": "true", "secrets": "true"}


def prepare_cluster(server: ApiServer, policy: dict[str, str]) -> None:
    """What the manifest brings: namespace, policy, identity Secret, and rights for the platform's user."""
    server.apply(_object("v1", "Namespace", "roost-agent"), "/api/v1/namespaces/roost-agent")
    config = _object("v1", "ConfigMap", "roost-agent-policy", "roost-agent") | {"data": policy}
    server.apply(config, "/api/v1/namespaces/roost-agent/configmaps/roost-agent-policy")
    server.call("DELETE", "/api/v1/namespaces/roost-agent/secrets/roost-agent-identity")
    secret = _object("v1", "Secret", "roost-agent-identity", "roost-agent")
    assert server.apply(secret, "/api/v1/namespaces/roost-agent/secrets/roost-agent-identity").status in {200, 201}
    binding = _object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "roost-ada") | {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": ADMIN.user}],
    }
    server.apply(binding, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/roost-ada")


def _object(version: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": version, "kind": kind, "metadata": meta}


def server_tls(directory: Path) -> tuple[ssl.SSLContext, str]:
    """A server's context for 127.0.0.1 and the CA that signed it."""
    leaf = make_leaf(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.certificate, leaf.key)
    return context, leaf.ca.read_text()


def agent_settings(server: ApiServer, directory: Path, *, urls: tuple[str, ...], ca_pem: str, token: str) -> Settings:
    account = directory / "account-token"
    account.write_text(server.tokens["admin"])
    token_file = directory / "token"
    token_file.write_text(token)
    port = int(server.url.rsplit(":", 1)[1])
    place = Place("127.0.0.1", port, server.ca, account, "roost-agent")
    return Settings(CLUSTER, urls, ca_pem, token_file, directory / "proxy", place, "roost-agent-1", exit_after=60)


@contextlib.asynccontextmanager
async def both_ends(
    server: ApiServer, directory: Path, *, policy: dict[str, str] | None = None, start: bool = True, **hub: Any
) -> AsyncIterator[Ends]:
    prepare_cluster(server, policy or POLICY)
    tls, ca_pem = server_tls(directory)
    registrar = CertificateRegistrar(pki.create_authority("tunnel test", now=pki.utc_now()), {"rst_1.secret": ""})
    front = Front(Hub(registrar, uid="hub", **hub), registrar, tls)
    await front.start()
    settings = agent_settings(
        server, directory, urls=(f"https://127.0.0.1:{front.port}",), ca_pem=ca_pem, token="rst_1.secret"
    )
    ends = Ends(server, front, registrar, settings)
    try:
        if start:
            ends.start_agent()
            await ends.connected()
        yield ends
    finally:
        for task in ends.agents:
            task.cancel()
        await asyncio.gather(*ends.agents, return_exceptions=True)
        await front.kill()
