"""Requests through a tunnel to a real kube-apiserver, over TLS on every leg."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from roost.api.exchange import Identity
from tests.contract.tunnel.platform_end import Ends, both_ends, head
from tests.fixtures.apiserver import ApiServer

pytestmark = [pytest.mark.programs, pytest.mark.anyio]
VERSION = "1.31.4"
MAPS = "/api/v1/namespaces/default/configmaps"


async def test_reads_writes_and_errors_come_through_unchanged(
    apiserver: Callable[[str], ApiServer], tmp_path: Path
) -> None:
    async with both_ends(apiserver(VERSION), tmp_path) as ends:
        answer, body = await ends.ask("GET", "/version")
        assert answer.status == 200 and json.loads(body)["gitVersion"] == f"v{VERSION}"
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "t1"}, "data": {"a": "ü"}}
        kind = ((b"Content-Type", b"application/json"), (b"Accept", b"application/json"))
        answer, body = await ends.ask("POST", MAPS, json.dumps(document).encode(), headers=kind)
        assert answer.status == 201, body
        answer, body = await ends.ask("POST", MAPS, json.dumps(document).encode(), headers=kind)
        assert answer.status == 409 and json.loads(body)["reason"] == "AlreadyExists"
        answer, _ = await ends.ask("DELETE", f"{MAPS}/t1")
        assert answer.status == 200
        answer, body = await ends.ask("GET", f"{MAPS}/t1")
        direct = ends.server.call("GET", f"{MAPS}/t1")
        assert answer.status == direct.status == 404 and json.loads(body) == direct.body
        answer, body = await ends.ask("HEAD", "/version")
        assert answer.status in {200, 405} and body == b""


async def test_the_cluster_sees_who_asks_and_not_the_agent(
    apiserver: Callable[[str], ApiServer], tmp_path: Path
) -> None:
    async with both_ends(apiserver(VERSION), tmp_path) as ends:
        who = Identity("roost:user:bob", "u-1", ("roost:group:dev",), {"roost/session": ("s1", "s 2")})
        review = b'{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'
        answer, body = await ends.ask(
            "POST",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            review,
            identity=who,
            headers=((b"Content-Type", b"application/json"),),
        )
        assert answer.status == 201, body
        seen = json.loads(body)["status"]["userInfo"]
        assert seen["username"] == "roost:user:bob" and seen["uid"] == "u-1"
        assert set(seen["groups"]) == {"roost:group:dev", "system:authenticated"}
        assert seen["extra"] == {"roost/session": ["s1", "s 2"]}
        answer, body = await ends.ask("GET", MAPS, identity=who)
        assert answer.status == 403 and "roost:user:bob" in json.loads(body)["message"]


@pytest.mark.parametrize(
    "headers",
    [
        ((b"Impersonate-User", b"system:admin"), (b"Impersonate-Group", b"system:masters")),
        ((b"Connection", b"Impersonate-User"), (b"Authorization", b"Bearer x")),
        ((b"X-Remote-User", b"system:admin"), (b"Cookie", b"a=b")),
    ],
)
async def test_headers_of_identity_from_outside_are_never_passed_on(
    apiserver: Callable[[str], ApiServer], tmp_path: Path, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    async with both_ends(apiserver(VERSION), tmp_path) as ends:
        answer, _ = await ends.ask("GET", MAPS, identity=Identity("roost:user:nobody"), headers=headers)
        assert answer.status == 403


async def test_a_watch_brings_each_change_at_once_and_ends_with_its_client(
    apiserver: Callable[[str], ApiServer], tmp_path: Path
) -> None:
    async with both_ends(apiserver(VERSION), tmp_path) as ends:
        exchange = await ends.upstream.open(head("GET", f"{MAPS}?watch=1&fieldSelector=metadata.name%3Dw1"))
        await exchange.write_eof()
        assert (await exchange.head()).status == 200
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "w1"}}
        await asyncio.to_thread(ends.server.call, "POST", MAPS, document)
        async with asyncio.timeout(2):
            event = json.loads(await exchange.read())
        assert event["type"] == "ADDED" and event["object"]["metadata"]["name"] == "w1"
        await exchange.abort()
        async with asyncio.timeout(1):
            while any(info.streams for info in ends.hub.sessions()):
                await asyncio.sleep(0.01)
        ends.server.call("DELETE", f"{MAPS}/w1")


async def test_large_bodies_pass_whole_in_both_directions(
    apiserver: Callable[[str], ApiServer], tmp_path: Path
) -> None:
    async with both_ends(apiserver(VERSION), tmp_path) as ends:
        value = base64.b64encode(os.urandom(700_000)).decode()
        for number in range(3):
            document = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": f"l{number}"},
                "data": {"v": value},
            }
            exchange = await ends.upstream.open(
                head("POST", MAPS, length=None, headers=((b"Content-Type", b"application/json"),))
            )
            body = json.dumps(document).encode()
            for start in range(0, len(body), 50_000):
                await exchange.write(body[start : start + 50_000])
            await exchange.write_eof()
            assert (await exchange.head()).status == 201
            await exchange.abort()
        _, body = await ends.ask("GET", MAPS)
        kept = {item["metadata"]["name"]: item for item in json.loads(body)["items"]}
        assert all(kept[f"l{number}"]["data"]["v"] == value for number in range(3))
        for number in range(3):
            ends.server.call("DELETE", f"{MAPS}/l{number}")


async def test_an_upgrade_switches_and_refusals_of_one_pass_unchanged(
    apiserver: Callable[[str], ApiServer], tmp_path: Path
) -> None:
    key = (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ==")
    version, origin = (b"Sec-WebSocket-Version", b"13"), (b"Origin", b"https://127.0.0.1")
    headers = ((b"Upgrade", b"websocket"), key, version, origin)
    async with both_ends(apiserver(VERSION), tmp_path) as ends:
        target = f"{MAPS}?watch=1&timeoutSeconds=1"
        exchange = await ends.upstream.open(head("GET", target, headers=headers, upgrade=True))
        answer = await exchange.head()
        assert answer.status == 101, answer
        assert any(name.lower() == b"upgrade" for name, _ in answer.headers)
        async with asyncio.timeout(10):
            raw = b""
            while piece := await exchange.read():
                raw += piece
        assert raw[-2:] and raw[0] in {0x88, 0x81, 0x82}, raw[:40]
        await exchange.abort()
        target = "/api/v1/namespaces/default/pods/none/exec?command=sh&stdout=1"
        exchange = await ends.upstream.open(head("GET", target, headers=headers, upgrade=True))
        answer = await exchange.head()
        assert answer.status == 404
        assert json.loads(await exchange.read())["reason"] == "NotFound"
        await exchange.abort()


async def test_a_reader_that_takes_nothing_stalls_nobody_else(
    apiserver: Callable[[str], ApiServer], tmp_path: Path
) -> None:
    async with both_ends(apiserver(VERSION), tmp_path, tunnels=1) as ends:
        value = base64.b64encode(os.urandom(700_000)).decode()
        for number in range(4):
            document = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": f"s{number}"},
                "data": {"v": value},
            }
            ends.server.call("POST", MAPS, document)
        stalled = [await ends.upstream.open(head("GET", MAPS)) for _ in range(3)]
        for exchange in stalled:
            await exchange.write_eof()
            assert (await exchange.head()).status == 200
        await asyncio.sleep(0.5)
        async with asyncio.timeout(10):
            for _ in range(5):
                answer, body = await ends.ask("GET", MAPS)
                assert answer.status == 200 and len(body) > 3_000_000
        session = next(iter(ends.hub._tunnels.values()))[0].session
        assert all(stream.unread <= 256 * 1024 for stream in session.mux.streams.values())
        for exchange in stalled:
            await exchange.abort()
        for number in range(4):
            ends.server.call("DELETE", f"{MAPS}/s{number}")


async def test_many_at_once(apiserver: Callable[[str], ApiServer], tmp_path: Path) -> None:
    async with both_ends(apiserver(VERSION), tmp_path) as ends:

        async def one(ends: Ends) -> int:
            answer, _ = await ends.ask("GET", "/api/v1/namespaces/default")
            return answer.status

        assert set(await asyncio.gather(*(one(ends) for _ in range(100)))) == {200}
