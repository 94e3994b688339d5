"""What becomes of a tunnel when something breaks, and the ways out through proxies. Real TLS on loopback."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from roost.api.exchange import UpstreamUnavailable
from roost.tunnel.frames import Frame, Type, encode
from roost.tunnel.heads import Reject
from roost.tunnel.server import Hub
from roost.tunnel.session import ChannelBroken
from tests.contract.tunnel.platform_end import CLUSTER, POLICY, Front, both_ends, head
from tests.fixtures.apiserver import ApiServer

pytestmark = [pytest.mark.programs, pytest.mark.anyio]
VERSION = "1.31.4"
MAPS = "/api/v1/namespaces/default/configmaps"


async def test_a_killed_gateway_has_its_tunnels_back_soon(
    apiserver: Callable[[str], ApiServer], tmp_path: Path
) -> None:
    async with both_ends(apiserver(VERSION), tmp_path) as ends:
        watch = await ends.upstream.open(head("GET", f"{MAPS}?watch=1"))
        await watch.write_eof()
        await watch.head()
        await ends.front.kill()
        with pytest.raises(ChannelBroken):
            await watch.read()
        fresh = Front(Hub(ends.registrar, uid="hub"), ends.registrar, ends.front.tls, ends.front.port)
        await fresh.start()
        ends.front = fresh
        began = time.monotonic()
        await ends.connected()
        assert time.monotonic() - began < 10
        assert (await ends.ask("GET", "/version"))[0].status == 200


async def test_a_silent_tunnel_is_given_up_by_both_sides(
    apiserver: Callable[[str], ApiServer], tmp_path: Path
) -> None:
    async with both_ends(apiserver(VERSION), tmp_path, ping=0.2, dead=0.6, tunnels=1) as ends:
        session = ends.objects[0]._links[0].session
        assert session is not None
        # As with a cut cable: nothing arrives any more, and nobody closes anything.
        session._transport.pause_reading()  # type: ignore[union-attr]
        session.ping = lambda: None  # type: ignore[method-assign]
        async with asyncio.timeout(5):
            while ends.hub.sessions(CLUSTER) and session.cause is None:
                await asyncio.sleep(0.02)
        assert session.cause is not None or "sign of life" in ends.hub.absence(CLUSTER)


async def test_a_watch_lives_through_an_hour_of_silence(
    apiserver: Callable[[str], ApiServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every idle timer of both ends shortened 60 times; nothing but the tunnel's own signs of life passes."""
    scale = 60
    monkeypatch.setattr("roost.tunnel.agent.api.IDLE_SECONDS", 60 / scale)
    monkeypatch.setattr("roost.tunnel.session.STALLED_AFTER", 600 / scale)
    monkeypatch.setattr("roost.tunnel.server.STALLED_EVERY", 10 / scale)
    # The time after which a tunnel counts as dead is no idle time: shortened, a busy computer would end it.
    async with both_ends(apiserver(VERSION), tmp_path, ping=4 / scale, dead=5.0, tunnels=1) as ends:
        watch = await ends.upstream.open(head("GET", f"{MAPS}?watch=1&fieldSelector=metadata.name%3Dlate"))
        await watch.write_eof()
        assert (await watch.head()).status == 200
        tunnels = [one.session for one in ends.hub.sessions(CLUSTER)]
        await asyncio.sleep(3600 / scale)
        assert [one.session for one in ends.hub.sessions(CLUSTER)] == tunnels
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}}
        await asyncio.to_thread(ends.server.call, "POST", MAPS, document)
        async with asyncio.timeout(5):
            assert b'"late"' in await watch.read()
        await asyncio.to_thread(ends.server.call, "DELETE", f"{MAPS}/late")
        await watch.abort()


async def test_what_is_asked_without_an_agent_is_refused_with_the_cause(
    apiserver: Callable[[str], ApiServer], tmp_path: Path
) -> None:
    async with both_ends(apiserver(VERSION), tmp_path, tunnels=1) as ends:
        upstream = ends.upstream
        async with asyncio.timeout(5):
            while not ends.objects[0].ready[0]:
                await asyncio.sleep(0.01)
        ends.objects[0].say_goodbye("the agent's pod was stopped")
        for task in ends.agents:
            task.cancel()
        async with asyncio.timeout(5):
            while ends.hub.sessions(CLUSTER):
                await asyncio.sleep(0.02)
        with pytest.raises(UpstreamUnavailable, match="pod was stopped") as refused:
            await upstream.open(head("GET", "/version"))
        assert refused.value.reason == "AgentDisconnected"
        assert refused.value.retry_after == 1, "it may be back in a moment"
        loss = ends.hub.loss(CLUSTER)
        assert loss is not None
        ends.hub._losses[CLUSTER] = dataclasses.replace(loss, at=loss.at - 20)
        assert ends.hub.back_in(CLUSTER) is None, "a client that is told to wait would wait ten times"
        ends.agents.clear()


async def test_a_refused_agent_says_so(apiserver: Callable[[str], ApiServer], tmp_path: Path) -> None:
    async with both_ends(apiserver(VERSION), tmp_path, start=False) as ends:
        ends.registrar.refuse = Reject("revoked", "not any more", retry_after=0.1)
        agent = ends.start_agent()
        async with asyncio.timeout(10):
            while "revoked" not in agent.ready[1]:
                await asyncio.sleep(0.02)
        ends.registrar.refuse = None
        await ends.connected()


async def test_an_agent_that_opens_a_stream_is_cut_off(apiserver: Callable[[str], ApiServer], tmp_path: Path) -> None:
    async with both_ends(apiserver(VERSION), tmp_path, tunnels=1) as ends:
        session = ends.objects[0]._links[0].session
        assert session is not None
        session._carrier.send(encode(Frame(Type.OPEN, 1, b"{}")))
        session._write_out()
        async with asyncio.timeout(5):
            await session.ended
        assert "may not open" in str(ends.hub.loss(CLUSTER) or "may not open")


async def test_a_certificate_is_renewed_before_it_ends(apiserver: Callable[[str], ApiServer], tmp_path: Path) -> None:
    async with both_ends(apiserver(VERSION), tmp_path, start=False, ping=0.1, dead=5.0, tunnels=1) as ends:
        # Valid since an hour ago: what is left of it is less than a quarter of its life.
        ends.registrar.life = timedelta(minutes=5)
        ends.start_agent()
        await ends.connected()
        ends.registrar.life = timedelta(days=30)
        async with asyncio.timeout(10):
            while not any(line["what"] == "certificate renewed" for line in ends.lines):
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_the_agent_dials_through_a_proxy(
    apiserver: Callable[[str], ApiServer], tmp_path: Path, kind: str
) -> None:
    async with both_ends(apiserver(VERSION), tmp_path, start=False) as ends:
        seen: list[str] = []
        proxy = http_proxy if kind == "http" else socks_proxy
        server = await asyncio.start_server(lambda r, w: proxy(r, w, seen), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        ends.settings.proxy_file.write_text(f"{kind}://ada:s3cret@127.0.0.1:{port}\n")
        ends.start_agent()
        await ends.connected()
        assert (await ends.ask("GET", "/version"))[0].status == 200
        assert seen and set(seen) == {f"ada:s3cret 127.0.0.1:{ends.front.port}"}
        assert not any("s3cret" in str(line) for line in ends.lines)
        server.close()


async def test_a_proxy_that_refuses_is_named(apiserver: Callable[[str], ApiServer], tmp_path: Path) -> None:
    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        await writer.drain()
        writer.close()

    async with both_ends(apiserver(VERSION), tmp_path, start=False) as ends:
        server = await asyncio.start_server(refuses, "127.0.0.1", 0)
        ends.settings.proxy_file.write_text(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        agent = ends.start_agent()
        async with asyncio.timeout(10):
            while "407" not in agent.ready[1]:
                await asyncio.sleep(0.05)
        server.close()


async def test_a_platform_with_an_unknown_certificate_gets_no_token(
    apiserver: Callable[[str], ApiServer], tmp_path: Path
) -> None:
    async with both_ends(apiserver(VERSION), tmp_path, start=False) as ends:
        other = (ends.server.ca).read_text()
        ends.settings = dataclasses.replace(ends.settings, ca_pem=other)
        agent = ends.start_agent()
        async with asyncio.timeout(10):
            while "not trusted" not in agent.ready[1]:
                await asyncio.sleep(0.05)
        assert ends.registrar.tokens == {"rst_1.secret": ""}


async def test_a_policy_that_is_taken_away_lets_nothing_pass(
    apiserver: Callable[[str], ApiServer], tmp_path: Path
) -> None:
    async with both_ends(apiserver(VERSION), tmp_path, policy=POLICY | {"exec": "perhaps"}) as ends:
        answer, body = await ends.ask("GET", MAPS)
        assert answer.status == 403 and b"can't be read" in body
        assert (await ends.ask("GET", "/version"))[0].status == 200
        assert "exec must be true or false" in ends.hub.sessions(CLUSTER)[0].policy["unreadable"]


async def http_proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: list[str]) -> None:
    raw = await reader.readuntil(b"\r\n\r\n")
    target = raw.split(b" ")[1].decode()
    user = base64.b64decode(raw.split(b"Basic ")[1].split(b"\r\n")[0]).decode()
    seen.append(f"{user} {target}")
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await joined(reader, writer, target)


async def socks_proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: list[str]) -> None:
    await reader.readexactly(2 + (await reader.readexactly(2))[1] - 2)
    writer.write(b"\x05\x02")
    name = await reader.readexactly((await reader.readexactly(2))[1])
    secret = await reader.readexactly((await reader.readexactly(1))[0])
    writer.write(b"\x01\x00")
    host = (await reader.readexactly((await reader.readexactly(5))[4])).decode()
    target = f"{host}:{int.from_bytes(await reader.readexactly(2), 'big')}"
    seen.append(f"{name.decode()}:{secret.decode()} {target}")
    writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
    await joined(reader, writer, target)


async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> None:
    host, _, port = target.partition(":")
    far_reader, far_writer = await asyncio.open_connection(host, int(port))

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        sink.close()

    await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer), return_exceptions=True)
