"""Two gateways before one platform: a cluster's tunnels end at either, and requests reach it through both."""

from __future__ import annotations

import asyncio
import dataclasses
import http.client
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from roost.gateway.registration.registrar import Authority
from roost.gateway.replicas import hop, members, rows
from roost.kube import pki
from tests.contract.gateway.running import Reply, Running, fill
from tests.contract.tunnel.test_registration import CLUSTERS, Edge, eventually
from tests.fixtures.apiserver import ApiServer

pytestmark = [pytest.mark.programs, pytest.mark.anyio]
MAPS = "/api/v1/namespaces/roost-system/configmaps"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def platform(apiserver: Callable[[str], ApiServer]) -> ApiServer:
    server = apiserver("1.31.4")
    fill(server)
    return server


@pytest.fixture(scope="module")
def target(apiserver: Callable[[str], ApiServer]) -> ApiServer:
    return apiserver("1.28.15")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "BEAT_SECONDS", 0.5)
    monkeypatch.setattr(members, "ALIVE_SECONDS", 2.5)


@pytest.fixture
def two(tmp_path: Path, platform: ApiServer) -> Iterator[tuple[Running, Running]]:
    """They know of each other."""
    agents = pki.create_authority("tunnels of the test", now=pki.utc_now())
    authority = Authority(agents.certificate_pem, agents.key_pem)
    both = tuple(
        Running(
            tmp_path / name,
            platform,
            lambda settings: dataclasses.replace(settings, tunnel_authority=authority, hops="127.0.0.1"),
        )
        for name in ("one", "other")
    )
    for each in both:
        each.start()
    deadline = time.monotonic() + 10
    while any(known(each).count() != 2 for each in both):
        assert time.monotonic() < deadline, [known(each).count() for each in both]
        time.sleep(0.05)
    yield both[0], both[1]
    for each in both:
        each.stop()


def known(running: Running) -> members.Members:
    tunnels = running.gateway.tunnels
    assert tunnels is not None and tunnels.members is not None
    return tunnels.members


@pytest.fixture
async def edge(
    two: tuple[Running, Running], platform: ApiServer, target: ApiServer, tmp_path: Path
) -> AsyncIterator[Edge]:
    """A cluster whose agent dials the first gateway alone."""
    found = Edge(two[0], platform, target, tmp_path, "hopped")
    found.create()
    found.start(found.settings(found.manifest()))
    await found.becomes("TunnelConnected", "True")
    yield found
    await found.stop()
    await asyncio.to_thread(platform.call, "DELETE", f"{CLUSTERS}/hopped")
    for item in (await asyncio.to_thread(platform.call, "GET", f"{SECRETS}?labelSelector={REGISTRATION}")).body[
        "items"
    ]:
        await asyncio.to_thread(platform.call, "DELETE", f"{SECRETS}/{item['metadata']['name']}")


SECRETS = "/api/v1/namespaces/roost-system/secrets"
REGISTRATION = "cluster.alauda.io/registration"


async def through(running: Running, method: str, path: str, body: Any = None, **more: Any) -> Reply:
    token = (await asyncio.to_thread(running.sign_in))["accessToken"]
    where = f"/clusters/default/hopped{path}"
    return await asyncio.to_thread(running.call, method, where, body, token=token, **more)


async def reached(running: Running, *, seconds: float = 5.0) -> None:
    async def answers() -> bool:
        return (await through(running, "GET", "/version")).status == 200

    await eventually(answers, seconds, lambda: through(running, "GET", "/version"), [])


async def test_what_arrives_where_no_tunnel_ends_goes_to_the_gateway_that_has_one(
    edge: Edge, two: tuple[Running, Running]
) -> None:
    """Reads, writes, large bodies, refusals, upgrades: as through the first, and with the caller's identity."""
    one, other = two
    assert not other.gateway.tunnels.hub.clusters()  # type: ignore[union-attr]
    await reached(other)
    for path in ("/version", "/api/v1/namespaces/default/pods/absent", "/api/v1/namespaces/default"):
        here, there = await through(one, "GET", path), await through(other, "GET", path)
        assert (here.status, here.raw) == (there.status, there.raw)
        assert {k for k in here.headers if k != "date"} == {k for k in there.headers if k != "date"}
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    seen = (await through(other, "POST", path, review)).body["status"]["userInfo"]
    assert seen["username"] == "roost:user:admin" and "roost:role:administrator" in seen["groups"]
    large = {"metadata": {"name": "large"}, "data": {"a": "x" * 900_000}}
    maps = "/api/v1/namespaces/default/configmaps"
    await through(other, "DELETE", f"{maps}/large")
    assert (await through(other, "POST", maps, large)).status == 201
    assert len((await through(other, "GET", f"{maps}/large")).body["data"]["a"]) == 900_000
    assert (await through(other, "DELETE", f"{maps}/large")).status == 200
    token = (await asyncio.to_thread(other.sign_in))["accessToken"]
    words = (
        f"GET /clusters/default/hopped/api/v1/namespaces?watch=1&timeoutSeconds=1 HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{other.gateway.port}\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Origin: https://127.0.0.1\r\n\r\n"
    )
    switched = await asyncio.to_thread(other.raw, words.encode(), seconds=4)
    assert switched.startswith(b"HTTP/1.1 101 ") and b'"ADDED"' in switched
    events = (await asyncio.to_thread(other.call, "GET", "/roost/v1/audit?limit=50", token=token)).body["items"]
    assert {e["user"]["username"] for e in events if "/clusters/default/hopped/" in e["requestURI"]} == {
        "roost:user:admin"
    }


async def test_a_watch_over_the_hop_ends_with_its_client(edge: Edge, two: tuple[Running, Running]) -> None:
    one, other = two
    await reached(other)
    token = (await asyncio.to_thread(other.sign_in))["accessToken"]

    def watch() -> http.client.HTTPSConnection:
        connection = http.client.HTTPSConnection("127.0.0.1", other.gateway.port, context=other.tls(), timeout=20)
        path = "/clusters/default/hopped/api/v1/namespaces?watch=1"
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        assert b"ADDED" in connection.getresponse().read1()
        return connection

    streams = lambda: sum(s.streams for s in one.gateway.tunnels.hub.sessions())  # type: ignore[union-attr] # noqa: E731
    connection = await asyncio.to_thread(watch)
    assert streams() == 1
    connection.sock.close()
    connection.close()

    async def gone() -> bool:
        return streams() == 0

    async def left() -> object:
        return streams()

    await eventually(gone, 5, left, [])


async def test_nobody_but_a_living_gateway_is_heard(
    edge: Edge, two: tuple[Running, Running], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rogue replica: no certificate, one of another authority, one whose row is gone; and a header at the door."""
    one, other = two
    await reached(other)
    at = known(one).at
    host, _, port = at.rpartition(":")
    head = b"GET /version HTTP/1.1\r\nHost: x\r\nRoost-Hop: e30=\r\n\r\n"

    def said(certificate: pki.KeyPair | None) -> bytes:
        context = ssl.create_default_context(cadata=known(one)._authority_pem)
        if certificate is not None:
            pem = tmp_path / "rogue.pem"
            pem.write_text(f"{certificate.certificate_pem}\n{certificate.key_pem.reveal()}")
            context.load_cert_chain(pem)
        import socket

        with socket.create_connection((host, int(port)), timeout=5) as plain:
            try:
                with context.wrap_socket(plain, server_hostname=known(one).replica) as connection:
                    connection.sendall(head)
                    return connection.recv(65536)
            except (ssl.SSLError, ConnectionError):
                return b""

    rogue = pki.create_authority("rogue", now=pki.utc_now())
    profile = pki.Profile(known(other).replica, "both", hosts=(known(other).replica,))
    forged = pki.issue(rogue, profile, now=pki.utc_now())
    assert await asyncio.to_thread(said, None) == b""
    assert await asyncio.to_thread(said, forged) == b""
    real = known(other).pair
    assert (await asyncio.to_thread(said, real)).startswith(b"HTTP/1.1 400 "), "heard, but it names nobody"
    monkeypatch.setattr(members.Members, "_take", lambda _self, _row: None)
    known(one)._drop(known(other).replica)
    answer = await asyncio.to_thread(said, real)
    assert answer.startswith(b"HTTP/1.1 403 "), "a gateway that is taken out of the rows is nobody"
    monkeypatch.undo()
    # Through the front door the header is not passed on.
    document = {"cluster": "id-of-hopped", "user": "system:admin", "uid": "", "groups": [], "extra": {}, "audit": ""}
    named = hop.base64.b64encode(json.dumps(document).encode()).decode()
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    for each in (one, other):
        await reached(each)
        reply = await through(each, "POST", path, review, headers={"Roost-Hop": named})
        assert reply.body["status"]["userInfo"]["username"] == "roost:user:admin"


async def test_a_request_hops_once_at_most(two: tuple[Running, Running], platform: ApiServer) -> None:
    """Each is made to believe that the other has the tunnel: the second one refuses."""
    one, other = two
    document = {
        "apiVersion": "cluster.alauda.io/v1alpha1",
        "kind": "Cluster",
        "metadata": {
            "name": "hopped",
            "namespace": "default",
            "annotations": {"cluster.alauda.io/id": "id-of-hopped"},
        },
        "spec": {"registered": {}},
    }
    assert (await asyncio.to_thread(platform.call, "POST", CLUSTERS, document)).status == 201
    try:
        for each, beyond in ((one, other), (other, one)):
            known(each)._hold(rows.Holding(known(beyond).replica, frozenset({"id-of-hopped"})))
        asked: list[str] = []
        hops = one.gateway.tunnels._hops  # type: ignore[union-attr]
        counted = hops.open  # type: ignore[union-attr]

        async def open_(cluster_id: str, head: Any) -> Any:
            asked.append(head.target)
            return await counted(cluster_id, head)

        hops.open = open_  # type: ignore[union-attr, method-assign]
        began = time.monotonic()

        async def refused() -> Reply | None:
            found = await through(other, "GET", "/version")
            return found if found.status == 503 else None

        reply = await eventually(refused, 5, lambda: through(other, "GET", "/version"), [])
        assert time.monotonic() - began < 5
        assert "no agent of this cluster is connected" in reply.body["message"]
        assert reply.headers["retry-after"] == "1", "it was there a moment ago"
        assert asked == [], "the gateway that was hopped to asks nobody"
    finally:
        await asyncio.to_thread(platform.call, "DELETE", f"{CLUSTERS}/hopped")


async def test_an_agent_seeks_two_gateways_and_outlives_one(
    two: tuple[Running, Running], platform: ApiServer, target: ApiServer, tmp_path: Path
) -> None:
    """One tunnel ends at each; one is killed, and within 10 s all goes through the other, whose word counts."""
    one, other = two
    edge = Edge(one, platform, target, tmp_path, "hopped")
    edge.create()
    settings = edge.settings(edge.manifest(urls=[one.url, other.url]))
    trusted = "".join(each.leaf.ca.read_text() for each in two)
    edge.start(dataclasses.replace(settings, ca_pem=trusted))
    try:

        async def at_both() -> bool:
            return all(each.gateway.tunnels.hub.clusters() for each in two)  # type: ignore[union-attr]

        await eventually(at_both, 20, lambda: edge.condition("TunnelConnected"), edge.lines)
        await reached(one)
        await reached(other)
        one.do(_killed(one))
        began = time.monotonic()
        await reached(other, seconds=10)
        found = await edge.becomes("TunnelConnected", "True", seconds=10)
        assert time.monotonic() - began < 10 and "tunnel" in found["message"]

        async def forgotten() -> bool:
            items = (await asyncio.to_thread(platform.call, "GET", MAPS)).body["items"]
            return not any(known(one).replica in item["metadata"]["name"] for item in items)

        await eventually(forgotten, 10, at_both, [])
        await edge.stop()
        found = await edge.becomes("TunnelConnected", "False", seconds=15)
        assert "ended at" in found["message"]
    finally:
        await edge.stop()
        await asyncio.to_thread(platform.call, "DELETE", f"{CLUSTERS}/hopped")


async def test_what_a_gateway_saw_is_not_written_over_by_one_that_saw_nothing(
    edge: Edge, two: tuple[Running, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    from roost.gateway.registration import reporting

    monkeypatch.setattr(reporting, "OTHERS_FIRST", 1.0)
    await reached(two[1])
    edge.agents[0].say_goodbye("the agent's pod was stopped")
    await edge.stop()
    told = await edge.becomes("TunnelConnected", "False", says="pod was stopped")
    two[1].do(_show_again(two[1]))
    await asyncio.sleep(2.5)
    assert await edge.condition("TunnelConnected") == told


async def _killed(running: Running) -> None:
    """As kill -9 does: every connection breaks, no goodbye, no row taken away."""
    gateway = running.gateway

    async def nothing() -> None:
        pass

    known(running)._withdraw = nothing  # type: ignore[method-assign]
    tunnels = gateway.tunnels
    assert tunnels is not None and tunnels._hops is not None
    for each in [each for every in tunnels.hub._tunnels.values() for each in every]:
        each.session.abort("killed")
    for task in gateway.tasks:
        task.cancel()
    for front in (gateway.front, tunnels._hops._front):
        await front.close(seconds=0.0)


async def _show_again(running: Running) -> None:
    running.gateway.tunnels._show("id-of-hopped")  # type: ignore[union-attr]
