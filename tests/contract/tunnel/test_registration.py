"""From the manifest to a request through the gateway, and everything by which an agent is kept out.

A gateway as it runs, a platform and a cluster of real API servers, and the agent in the test's own loop.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from roost.gateway.registration.registrar import Authority
from roost.kube import pki
from roost.providers.registered import records
from roost.tunnel.agent.agent import Agent
from roost.tunnel.agent.api import Place
from roost.tunnel.agent.settings import Settings
from tests.contract.gateway.running import Running, fill
from tests.contract.tunnel.platform_end import POLICY, prepare_cluster
from tests.fixtures.apiserver import ApiServer

pytestmark = [pytest.mark.programs, pytest.mark.anyio]
CLUSTERS = "/apis/cluster.alauda.io/v1alpha1/namespaces/default/clusters"
SECRETS = "/api/v1/namespaces/roost-system/secrets"


@pytest.fixture(scope="module")
def platform(apiserver: Callable[[str], ApiServer]) -> ApiServer:
    server = apiserver("1.28.15")
    fill(server)
    return server


@pytest.fixture(scope="module")
def target(apiserver: Callable[[str], ApiServer]) -> ApiServer:
    return apiserver("1.28.15")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, platform: ApiServer) -> Iterator[Running]:
    authority = pki.create_authority("tunnels of the test", now=pki.utc_now())
    running = Running(
        tmp_path_factory.mktemp("gateway"),
        platform,
        lambda settings: dataclasses.replace(
            settings, tunnel_authority=Authority(authority.certificate_pem, authority.key_pem)
        ),
    )
    running.start()
    yield running
    running.stop()


class Edge:
    """One registered cluster of the platform, under a name of its own, and its agent beside the target."""

    def __init__(self, gateway: Running, platform: ApiServer, target: ApiServer, directory: Path, name: str) -> None:
        self.gateway, self.platform, self.target = gateway, platform, target
        self.directory, self.name = directory, name
        self.admin = gateway.sign_in()["accessToken"]
        self.lines: list[dict[str, object]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.agents: list[Agent] = []

    def create(self, **registered: Any) -> None:
        document = {
            "apiVersion": "cluster.alauda.io/v1alpha1",
            "kind": "Cluster",
            "metadata": {
                "name": self.name,
                "namespace": "default",
                "annotations": {"cluster.alauda.io/id": f"id-of-{self.name}"},
            },
            "spec": {"registered": registered},
        }
        answer = self.platform.call("POST", CLUSTERS, document)
        assert answer.status == 201, answer
        prepare_cluster(self.target, POLICY)

    def manifest(self, **body: Any) -> list[dict[str, Any]]:
        url = {"urls": [self.gateway.url]}
        reply = self.gateway.call(
            "POST", f"/roost/v1/clusters/default/{self.name}/registration", url | body, token=self.admin
        )
        assert reply.status == 200, reply
        return [json.loads(each) for each in reply.raw.decode().split("---\n")[1:]]

    def settings(self, documents: list[dict[str, Any]], pod: str = "roost-agent-1") -> Settings:
        found = {(each["kind"], each["metadata"]["name"]): each for each in documents}
        config = json.loads(found["ConfigMap", "roost-agent-config"]["data"]["config.json"])
        token = self.directory / "token"
        token.write_text(found["Secret", "roost-agent-token"]["stringData"]["token"])
        account = self.directory / "account"
        account.write_text(self.target.tokens["admin"])
        port = int(self.target.url.rsplit(":", 1)[1])
        place = Place("127.0.0.1", port, self.target.ca, account, "roost-agent")
        return Settings(
            config["clusterID"], tuple(config["urls"]), config["ca"], token, self.directory / "proxy", place, pod
        )

    def start(self, settings: Settings) -> Agent:
        agent = Agent(settings, lambda what, **facts: self.lines.append({"what": what, **facts}))
        self.agents.append(agent)
        self.tasks.append(asyncio.get_running_loop().create_task(agent.run()))
        return agent

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()

    async def condition(self, kind: str) -> dict[str, str]:
        answer = await asyncio.to_thread(self.platform.call, "GET", f"{CLUSTERS}/{self.name}")
        for each in answer.body.get("status", {}).get("conditions", []):
            if each["type"] == kind:
                return each
        return {"status": "", "reason": "", "message": ""}

    async def becomes(self, kind: str, status: str, *, seconds: float = 15.0, says: str = "") -> dict[str, str]:
        async def ask() -> dict[str, str] | None:
            found = await self.condition(kind)
            return found if found["status"] == status and says in found["message"] else None

        return await eventually(ask, seconds, lambda: self.condition(kind), self.lines)

    async def get(self, path: str = "/version") -> Any:
        where = f"/clusters/default/{self.name}{path}"
        return await asyncio.to_thread(self.gateway.call, "GET", where, token=self.admin)

    async def patch(self, spec: dict[str, Any]) -> None:
        answer = await asyncio.to_thread(
            self.platform.call,
            "PATCH",
            f"{CLUSTERS}/{self.name}",
            {"spec": {"registered": spec}},
            content_type="application/merge-patch+json",
        )
        assert answer.status == 200, answer


async def eventually(
    ask: Callable[[], Awaitable[Any]], seconds: float, last: Callable[[], Awaitable[object]], lines: object
) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = await ask()
        if found:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"not within {seconds} s; last: {await last()}; the agent says {lines}")


@pytest.fixture
def edge(
    gateway: Running, platform: ApiServer, target: ApiServer, tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[[], Any]:
    @asynccontextmanager
    async def made() -> AsyncIterator[Edge]:
        name = f"e{abs(hash(request.node.name)) % 10**8}"
        found = Edge(gateway, platform, target, tmp_path, name)
        try:
            yield found
        finally:
            await found.stop()
            path = f"{CLUSTERS}/{name}"
            await asyncio.to_thread(platform.call, "DELETE", path)
            # One cluster is known under one name: the next test registers it again.
            for kind in ("state", "tombstone"):
                name_of = records.secret_name(kind, f"id-of-{name}")  # type: ignore[arg-type]
                await asyncio.to_thread(platform.call, "DELETE", f"{SECRETS}/{name_of}")
            await asyncio.sleep(0.3)

    return made


async def test_one_manifest_connects_a_cluster(edge: Any) -> None:
    async with edge() as one:
        one.create()
        first = await one.becomes("TunnelConnected", "Unknown")
        assert first["reason"] == "Waiting"
        one.start(one.settings(one.manifest()))
        await one.becomes("TunnelConnected", "True")
        for kind in ("Accepted", "APIServerHealthy", "AgentCurrent", "CertificateValid"):
            assert (await one.condition(kind))["status"] == "True", await one.condition(kind)
        reply = await one.get()
        assert reply.status == 200 and reply.body["gitVersion"] == "v1.28.15"
        kept = one.platform.call("GET", f"{SECRETS}?labelSelector=cluster.alauda.io/registration").body
        token = (one.directory / "token").read_text().split(".")[1]
        assert token not in json.dumps(kept), "the token itself is nowhere kept"


async def test_a_used_token_is_taken_again_only_for_the_same_key(edge: Any) -> None:
    async with edge() as one:
        one.create()
        documents = one.manifest()
        one.start(one.settings(documents))
        await one.becomes("TunnelConnected", "True")
        # The same pod again, and a second pod: they share the key.
        await one.stop()
        one.start(one.settings(documents, "roost-agent-2"))
        await one.becomes("TunnelConnected", "True", says="roost-agent-2")
        await one.stop()
        # Somebody who got hold of the token has another key.
        secret = "/api/v1/namespaces/roost-agent/secrets/roost-agent-identity"
        one.target.call("PATCH", secret, {"data": None}, content_type="application/merge-patch+json")
        one.start(one.settings(documents, "thief"))
        found = await one.becomes("Accepted", "True", says="another key")
        assert "presented again" in found["message"]
        assert (await one.condition("TunnelConnected"))["status"] == "False"
        assert any("used before" in str(line) for line in one.lines)


async def test_a_cluster_that_registers_anew_ends_the_tunnels_of_its_former_key(edge: Any) -> None:
    """Whoever stole the former key has a tunnel up; it ends with the new registration, and none comes back."""
    async with edge() as one:
        one.create()
        thief = one.start(one.settings(one.manifest(), "thief"))
        await one.becomes("TunnelConnected", "True")
        secret = "/api/v1/namespaces/roost-agent/secrets/roost-agent-identity"
        one.target.call("PATCH", secret, {"data": None}, content_type="application/merge-patch+json")
        one.start(one.settings(one.manifest(), "rightful"))

        async def alone() -> bool:
            sessions = one.gateway.gateway.tunnels.hub.sessions(f"id-of-{one.name}")
            return {session.pod for session in sessions} == {"rightful"} and not thief.ready[0]

        await eventually(alone, 15, lambda: one.condition("TunnelConnected"), one.lines)
        await asyncio.sleep(2)
        assert await alone() and "revoked" in thief.ready[1]


async def test_an_expired_token_is_named_as_such(edge: Any) -> None:
    async with edge() as one:
        one.create()
        documents = one.manifest()
        for item in one.platform.call("GET", f"{SECRETS}?labelSelector=cluster.alauda.io/registration%3Dtoken").body[
            "items"
        ]:
            record = records.decode(item)
            assert isinstance(record, records.TokenRecord)
            past = records.encode(dataclasses.replace(record, expires=time.time() - 5))
            path = f"{SECRETS}/{item['metadata']['name']}"
            one.platform.call("PATCH", path, {"data": past["data"]}, content_type="application/merge-patch+json")
        one.start(one.settings(documents))
        await one.becomes("TunnelConnected", "False", says="expired")
        assert any("expired" in str(line.get("cause")) for line in one.lines)


async def test_an_unknown_token_gets_nothing(edge: Any) -> None:
    async with edge() as one:
        one.create()
        documents = one.manifest()
        settings = one.settings(documents)
        settings.token_file.write_text("rst_abc123.not-a-secret")
        agent = one.start(settings)
        await asyncio.sleep(2)
        assert not agent.ready[0] and "unknown" in agent.ready[1]
        reply = await one.get()
        assert reply.status == 503


@pytest.mark.parameter("spec.registered.approval", "spec.registered.accepted")
@pytest.mark.changes("spec.registered.accepted")
async def test_a_manual_registration_waits_for_a_person(edge: Any) -> None:
    async with edge() as one:
        one.create(approval="Manual")
        one.start(one.settings(one.manifest()))
        waiting = await one.becomes("Accepted", "False", says="key")
        assert waiting["reason"] == "AwaitingApproval"
        assert (await one.get()).status == 503
        await one.patch({"accepted": True})
        await one.becomes("TunnelConnected", "True", seconds=30)


async def test_a_revoked_cluster_is_cut_off_at_once(edge: Any) -> None:
    async with edge() as one:
        one.create()
        one.start(one.settings(one.manifest()))
        await one.becomes("TunnelConnected", "True")
        await one.patch({"accepted": False})

        async def cut() -> bool:
            return (await one.get()).status == 503

        await eventually(cut, 3, one.get, one.lines)
        assert (await one.becomes("Accepted", "False"))["reason"] == "Revoked"


async def test_a_killed_agent_is_shown_with_the_cause(edge: Any) -> None:
    async with edge() as one:
        one.create()
        agent = one.start(one.settings(one.manifest()))
        await one.becomes("TunnelConnected", "True")
        sessions = [link.session for link in agent._links if link.session is not None]
        await one.stop()
        for session in sessions:
            session._transport.abort()  # type: ignore[union-attr]
        began = time.monotonic()
        found = await one.becomes("TunnelConnected", "False")
        assert time.monotonic() - began < 15 and "ended at" in found["message"]


@pytest.mark.parameter("spec.registered.approval")
@pytest.mark.changes("spec.registered.approval")
async def test_a_waiting_cluster_is_let_in_once_nobody_is_asked_any_more(edge: Any) -> None:
    async with edge() as one:
        one.create(approval="Manual")
        one.start(one.settings(one.manifest()))
        await one.becomes("Accepted", "False", says="key")
        await one.patch({"approval": "Automatic"})
        await one.becomes("TunnelConnected", "True", seconds=30)


@pytest.mark.parameter("spec.registered.profile")
@pytest.mark.changes("spec.registered.profile")
async def test_nothing_passes_that_the_clusters_profile_does_not_allow(edge: Any) -> None:
    """The manifest carries the profile of the Cluster, unless another one is asked for; the agent holds on to it."""
    async with edge() as one:
        one.create(profile="Admin")
        await one.patch({"profile": "Observe"})
        documents = one.manifest()
        policy = next(each for each in documents if each["metadata"]["name"] == "roost-agent-policy")
        assert policy["data"]["maxProfile"] == "Observe"
        asked = next(
            each for each in one.manifest(profile="Operate") if each["metadata"]["name"] == "roost-agent-policy"
        )
        assert asked["data"]["maxProfile"] == "Operate"
        path = "/api/v1/namespaces/roost-agent/configmaps/roost-agent-policy"
        assert one.target.apply(policy, path).status == 200
        one.start(one.settings(documents))
        await one.becomes("TunnelConnected", "True")
        where = f"/clusters/default/{one.name}/api/v1/namespaces/default/configmaps"
        reading = await asyncio.to_thread(one.gateway.call, "GET", where, token=one.admin)
        assert reading.status == 200
        body = {"metadata": {"name": "written"}}
        writing = await asyncio.to_thread(one.gateway.call, "POST", where, body, token=one.admin)
        assert writing.status == 403 and "maxProfile is Observe" in writing.raw.decode()


@pytest.mark.parameter("spec.registered.expectedUID")
@pytest.mark.changes("spec.registered.expectedUID")
async def test_another_cluster_is_not_taken_for_this_one(edge: Any) -> None:
    async with edge() as one:
        one.create(expectedUID="00000000-0000-0000-0000-000000000000")
        one.start(one.settings(one.manifest()))
        await one.becomes("TunnelConnected", "False", says="uid_mismatch")
        found = one.target.call("GET", "/api/v1/namespaces/kube-system").body["metadata"]["uid"]
        await one.patch({"expectedUID": found})
        await one.becomes("TunnelConnected", "True", seconds=60)


async def test_an_agent_whose_cluster_was_deleted_while_it_was_away_leaves(edge: Any) -> None:
    async with edge() as one:
        one.create()
        settings = one.settings(one.manifest())
        one.start(settings)
        await one.becomes("TunnelConnected", "True")
        await one.stop()
        stone = records.encode(records.Tombstone(f"id-of-{one.name}", f"default/{one.name}", time.time()))
        assert one.platform.call("POST", SECRETS, stone).status == 201
        assert one.platform.call("DELETE", f"{CLUSTERS}/{one.name}").status == 200
        one.start(settings)

        async def left() -> bool:
            return any(line["what"] == "detached" for line in one.lines)

        await eventually(left, 15, one.get, one.lines)


async def test_the_endpoint_says_what_is_wrong(gateway: Running, platform: ApiServer) -> None:
    admin = gateway.sign_in()["accessToken"]
    path = "/roost/v1/clusters/default/nobody/registration"
    for body in ({"profile": "Root"}, {"nonsense": 1}, {"lifeSeconds": 1}, {"urls": "x"}, {"replicas": 99}):
        reply = gateway.call("POST", path, body, token=admin)
        assert reply.status == 422 and reply.body["kind"] == "Status", reply
    assert gateway.call("POST", path, {}).status == 401
    for raw, status in ((b"{", 400), (b"[]", 400), (b"{}", 422), (b"x" * 20_000, 413)):
        reply = gateway.call("POST", "/tunnel/v1/csr", raw, headers={"Authorization": "Bearer rst_1.x"})
        assert reply.status == status, (raw[:10], reply)
    assert gateway.call("POST", "/tunnel/v1/csr", b"{}").status == 401
    assert gateway.call("GET", "/tunnel/v1/csr").status == 405
    assert gateway.call("GET", "/tunnel/v1/connect").status == 400
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    assert gateway.call("GET", "/tunnel/v1/connect", headers=upgrade).status == 400
