"""The real helper on loopback: ports that lead somewhere and ports that don't, VRRP between two addresses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from roost.bundle.probe import probe_path
from roost.node.calling import Helper
from roost.node.probing import leave
from roost.providers.onprem.context import MachineInput
from roost.providers.onprem.preflight import forwarding, vrrp
from roost.ssh.fake import FakeMachine
from tests.unit.node.engine_made import Blobs, sha
from tests.unit.onprem import made

pytestmark = pytest.mark.anyio

CP1 = made.machine("cp1", "127.0.0.1", "ControlPlane")
CP2 = made.machine("cp2", "127.0.0.2", "ControlPlane")


async def helper(root: Path, machine: MachineInput) -> Helper:
    probe = probe_path("amd64").read_bytes()
    connection = await FakeMachine(root).connect(machine.target)
    return Helper(connection, made.ID, Blobs(probe), f"sha256:{sha(probe)}")


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


async def test_ports_behind_a_balancer_and_an_external_access(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, component, other, closed = free_ports(4)
    monkeypatch.setattr(forwarding.layout, "API_PORT", api)
    monkeypatch.setattr(forwarding, "COMPONENT_PORTS", (component, other))
    monkeypatch.setattr(forwarding, "SECONDS", 1.5)
    # The machine's own ports, dialled at an address that its Machine does not declare, are the balancer.
    endpoint = {"host": "127.0.0.3", "port": api, "externalAccess": {"host": "127.0.0.4", "port": closed}}
    ctx = made.context(CP1, spec_=made.spec(controlPlaneEndpoint=endpoint))
    one = await helper(tmp_path, CP1)
    found = await forwarding.findings(ctx, {"cp1": one}, [CP1], exists=False)
    assert [(each.check, each.machine) for each in found] == [("ExternalAccessNotForwarding", "cp1")]
    assert f"port {closed}" in found[0].text and "refused" in found[0].text
    await leave(one.connection, made.ID)
    assert not (tmp_path / "run/roost").exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", component), timeout=1)


@contextlib.contextmanager
def speaking(router: int) -> Generator[None]:
    """A virtual router of somebody else: VRRP 2 advertisements to 127.0.0.1 from 127.0.0.9."""
    stop = threading.Event()
    # Version and type, VRID, priority, one address, no password, 1 s, checksum, the address, no password.
    body = struct.pack("!BBBBBBH", 0x21, router, 100, 1, 0, 1, 0) + socket.inet_aton("10.0.0.1") + bytes(8)
    total = sum(struct.unpack(f"!{len(body) // 2}H", body))
    total = (total & 0xFFFF) + (total >> 16)
    body = body[:6] + struct.pack("!H", ~total & 0xFFFF) + body[8:]

    def speak() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, 112) as raw:
            raw.bind(("127.0.0.9", 0))
            while not stop.wait(0.2):
                raw.sendto(body, ("127.0.0.1", 0))

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


async def test_vrrp_passes_and_a_spoken_vrid_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vrrp, "SECONDS", 1)
    endpoint = {"host": "127.0.0.100", "selfBuiltVIP": {"virtualRouterID": 51}}
    ctx = made.context(CP1, CP2, spec_=made.spec(controlPlaneEndpoint=endpoint))
    helpers = {machine.name: await helper(tmp_path / machine.name, machine) for machine in (CP1, CP2)}
    await asyncio.gather(*(each.stage() for each in helpers.values()))

    async def checks() -> list[str]:
        found = await vrrp.findings(ctx, helpers, [CP1, CP2], {"cp1", "cp2"})
        return [f"{each.machine} {each.check} {each.evidence}" for each in found]

    assert await checks() == []
    with speaking(7):
        assert await checks() == []
    with speaking(51):
        taken = await checks()
    # Both helpers run on one computer and hear the same.
    assert {each.split()[1] for each in taken} == {"VirtualRouterTaken"} and "127.0.0.9" in taken[0]


async def test_a_machine_that_does_not_send_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vrrp, "SECONDS", 1)
    endpoint = {"host": "127.0.0.100", "selfBuiltVIP": {"virtualRouterID": 51}}
    silent = made.machine("cp2", "127.0.0.2", "ControlPlane")
    ctx = made.context(CP1, silent, spec_=made.spec(controlPlaneEndpoint=endpoint))
    helpers = {machine.name: await helper(tmp_path / machine.name, machine) for machine in (CP1, silent)}

    class Deaf(Helper):
        async def call(self, *words: str, seconds: float) -> list[dict[str, object]]:
            return []

    other = helpers["cp2"]
    helpers["cp2"] = Deaf(other.connection, other.cluster_id, other.blobs, other.digest)
    found = await vrrp.findings(ctx, helpers, [CP1, silent], {"cp1", "cp2"})
    assert {(each.machine, each.check) for each in found} == {("cp1", "VrrpBlocked"), ("cp2", "VrrpBlocked")}
