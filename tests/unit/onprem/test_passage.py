"""What passes between machines before there is a cluster: what is asked, and what each answer means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from roost.api.errors import RetryLater
from roost.node.calling import Line
from roost.providers.onprem.preflight import dialling, forwarding, virtual, vrrp
from roost.providers.onprem.preflight.forwarding import Sight, Way, ways
from roost.providers.onprem.preflight.machine import Subject
from roost.providers.onprem.vip.address import Virtual
from tests.unit.onprem import made

PLANES = tuple(made.machine(f"cp{number}", f"10.200.0.1{number}", "ControlPlane") for number in (1, 2, 3))
ENDPOINT = "spec.onPremises.controlPlaneEndpoint"


def asked(**endpoint: Any) -> list[str]:
    ctx = made.context(*PLANES, spec_=made.spec(controlPlaneEndpoint=endpoint))
    return [f"{'out' if way.external else 'in'} {way.target} {way.behind}" for way in ways(ctx)]


def test_a_load_balancer_is_asked_for_three_ports_and_the_external_access_apart_from_it() -> None:
    balancer = ["in 10.200.0.100:443 6443", "in 10.200.0.100:11780 11780", "in 10.200.0.100:11781 11781"]
    assert asked(host="10.200.0.100", port=443) == balancer
    external = ["out 203.0.113.9:7443 6443", "out 203.0.113.9:11780 11780", "out 203.0.113.9:11781 11781"]
    access = {"host": "203.0.113.9", "port": 7443}
    assert asked(host="10.200.0.100", port=443, externalAccess=access) == [*balancer, *external]
    assert asked(host="10.200.0.100", selfBuiltVIP={"virtualRouterID": 7}, externalAccess=access) == external
    assert asked(host="api.example.com")[0] == "in api.example.com:6443 6443"


def test_a_control_planes_own_address_is_no_load_balancer() -> None:
    assert asked(host="10.200.0.11") == []


API = Way("10.200.0.100", 6443, 6443)
COMPONENT = Way("10.200.0.100", 11780, 11780)


def sight(*lines: tuple[Way, Line]) -> Sight:
    seen = Sight({machine.name: {6443, 11780} for machine in PLANES})
    for way, line in lines:
        seen.take(way, line, "n1")
    return seen


def named(*names: str) -> list[tuple[Way, Line]]:
    return [(way, {"ok": True, "banner": f"n1 {name}"}) for way in (API, COMPONENT) for name in names]


def test_all_well_says_nothing() -> None:
    seen = sight(*named("cp1", "cp2", "cp3"))
    assert list(forwarding.judge((API, COMPONENT), seen, PLANES, exists=False)) == []


def test_each_port_and_machine_that_is_not_reached_is_named() -> None:
    lines = [*named("cp1", "cp2"), (API, {"ok": True, "banner": "n1 cp3"})]
    found = list(forwarding.judge((API, COMPONENT), sight(*lines), PLANES, exists=False))
    assert [(each.machine, each.check, each.warning) for each in found] == [
        ("cp3", "LoadBalancerNotForwarding", False)
    ]
    assert "port 11780" in found[0].text and "cp1 (10.200.0.11), cp2 (10.200.0.12) alone" in found[0].text
    assert "10.200.0.13:11780" in found[0].remedy


def test_a_port_that_leads_nowhere_says_what_the_connection_ended_with() -> None:
    refused: Line = {"ok": False, "error": "connection refused"}
    other: Line = {"ok": True, "banner": "n2 cp1"}
    found = list(forwarding.judge((API,), sight((API, refused)), PLANES, exists=True))
    assert [each.machine for each in found] == ["cp1", "cp2", "cp3"]
    assert "10.200.0.100:6443: connection refused" in found[0].text and found[0].warning
    stranger = list(forwarding.judge((API,), sight((API, other)), PLANES, exists=False))
    assert "nobody behind it answers" in stranger[0].text


def test_a_port_that_is_taken_on_a_machine_is_not_waited_for() -> None:
    seen = sight(*named("cp1", "cp2"))
    seen.listening["cp3"] = {6443}
    assert seen.missing((API, COMPONENT)) == {API: {"cp3"}}


def test_the_external_access_is_told_apart() -> None:
    way = replace(API, host="203.0.113.9", external=True)
    found = list(forwarding.judge((way,), sight(), PLANES[:1], exists=False))
    assert found[0].check == "ExternalAccessNotForwarding" and "tried from the platform" in found[0].text


VIRTUAL = Virtual("10.200.0.100", 6443, 51)
EVERY = {machine.name for machine in PLANES}


def heard(name: str, *, deaf_to: str = "", extra: tuple[Line, ...] = ()) -> list[Line]:
    peers = [machine for machine in PLANES if machine.name != name]
    return [{"peer": m.spec.addresses.primary, "ok": m.name != deaf_to} for m in peers] + list(extra)


@pytest.mark.parameter(f"{ENDPOINT}.selfBuiltVIP.virtualRouterID")
def test_a_vrid_that_somebody_else_speaks_is_named_with_who() -> None:
    own: Line = {"source": "10.200.0.12", "vrid": 51, "ok": True}
    theirs: Line = {"source": "10.200.0.99", "vrid": 51, "ok": True}
    harmless: Line = {"source": "10.200.0.98", "vrid": 7, "ok": True}
    said = {name: heard(name, extra=(own, harmless)) for name in EVERY}
    assert list(vrrp.judge(VIRTUAL, PLANES, EVERY, said)) == []
    said["cp1"].append(theirs)
    found = list(vrrp.judge(VIRTUAL, PLANES, EVERY, said))
    assert [(each.machine, each.check) for each in found] == [("cp1", "VirtualRouterTaken")]
    assert "10.200.0.99" in found[0].text and "7, 51" in found[0].text and "virtualRouterID" in found[0].remedy


def test_packets_that_do_not_arrive_name_both_ends() -> None:
    said = {name: heard(name, deaf_to="cp3" if name == "cp1" else "") for name in EVERY}
    found = list(vrrp.judge(VIRTUAL, PLANES, EVERY, said))
    assert [(each.machine, each.check) for each in found] == [("cp1", "VrrpBlocked")]
    assert "of cp3 (10.200.0.13) arrives at cp1 (10.200.0.11)" in found[0].text


def test_of_a_pair_the_new_one_is_told_and_a_running_pair_is_not_judged() -> None:
    said = {name: heard(name, deaf_to="cp3" if name == "cp1" else "") for name in EVERY}
    assert [each.machine for each in vrrp.judge(VIRTUAL, PLANES, {"cp3"}, said)] == ["cp3"]
    assert list(vrrp.judge(VIRTUAL, PLANES, {"cp2"}, said)) == []
    del said["cp3"]
    assert list(vrrp.judge(VIRTUAL, PLANES, EVERY, said)) == [], "one that could not be asked blames nobody"


def test_one_that_can_not_listen_warns() -> None:
    said = {name: heard(name) for name in EVERY}
    said["cp2"].append({"ok": False, "error": "can't join the group of VRRP: no such device"})
    found = list(vrrp.judge(VIRTUAL, PLANES, EVERY, said))
    assert [(each.machine, each.check, each.warning) for each in found] == [("cp2", "VirtualRouterNotHeard", True)]


@pytest.mark.parameter(f"{ENDPOINT}.selfBuiltVIP.address")
def test_a_name_must_give_the_virtual_address_and_no_other() -> None:
    vip = {"virtualRouterID": 51, "address": "10.200.0.100"}
    ctx = made.context(
        *PLANES, spec_=made.spec(controlPlaneEndpoint={"host": "api.example.com", "selfBuiltVIP": vip})
    )

    def checks(*resolved: str) -> list[str]:
        found = made.found("cp1", "10.200.0.11", resolved=resolved)
        subject = Subject(ctx.spec, PLANES[0], found, made.ID, ("amd64",))
        return [each.check for each in virtual.findings(ctx, [subject], exists=False) if "Image" not in each.check]

    assert checks("10.200.0.100") == []
    assert checks("10.200.0.101") == ["EndpointNameDiffers"]
    assert checks("10.200.0.100", "fd00::1") == ["EndpointNameDiffers"]
    unknown = list(virtual.named(VIRTUAL, "api.example.com", (), "cp1", by="the platform"))
    assert unknown[0].check == "EndpointNotResolved" and "the platform" in unknown[0].text


class Playing:
    """A helper without a machine: its listener is seen by the dial of every other one, through a balancer."""

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.world = world

    async def hold(self, *words: str, seconds: float, told: Callable[[Line], None], until: asyncio.Event) -> None:
        assert words[0] == "listen" and seconds > 0
        for port in words[1:4]:
            told({"listen": f"[::]:{port}", "ok": True})
        self.world.listening[self.name] = words[-1]
        await until.wait()
        del self.world.listening[self.name]

    async def call(self, *words: str, seconds: float) -> list[Line]:
        assert words[0] == "dial" and seconds > 0
        if self.world.broken == self.name:
            raise RetryLater("ConnectionLost", "gone")
        targets = [word for word in words[1:] if ":" in word]
        return [line for target in targets for line in self.world.dial(target)]


class World:
    def __init__(self) -> None:
        self.listening: dict[str, str] = {}
        self.closed: set[str] = set()
        self.sticky = False
        self.broken = ""

    def dial(self, target: str) -> list[Line]:
        if target.rpartition(":")[2] in self.closed or not self.listening:
            return [{"target": target, "ok": False, "error": "connection refused"}]
        names = sorted(self.listening)
        led = names[:1] if self.sticky else names
        return [{"target": target, "ok": True, "banner": self.listening[name]} for name in led]


async def checks(world: World, *, exists: bool = False) -> list[str]:
    ctx = made.context(*PLANES, made.W1, spec_=made.spec(controlPlaneEndpoint={"host": "10.200.0.100"}))
    helpers: Any = {name: Playing(name, world) for name in ("cp1", "cp2", "cp3", "w1")}
    found = await forwarding.findings(ctx, helpers, PLANES, exists=exists)
    return [f"{each.machine} {each.check} {each.cause.partition('port ')[2].split()[0]}" for each in found]


@pytest.mark.anyio
async def test_listeners_and_dials_play_together(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECONDS", "ALONE_SECONDS", "EXISTS_SECONDS"):
        monkeypatch.setattr(forwarding, name, 0.05)
    world = World()
    assert await checks(world) == [] and world.listening == {}
    world.broken = "w1"
    assert await checks(world) == [], "another machine dials too"
    world.closed = {"11780"}
    assert await checks(world) == [f"cp{number} LoadBalancerNotForwarding 11780" for number in (1, 2, 3)]


@pytest.mark.anyio
async def test_a_client_that_is_always_led_to_one_server_sees_each_when_it_alone_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SECONDS", "EXISTS_SECONDS"):
        monkeypatch.setattr(forwarding, name, 0.05)
    monkeypatch.setattr(forwarding, "ALONE_SECONDS", 0.5)
    world = World()
    world.sticky = True
    assert await checks(world) == []
    assert {text.split()[0] for text in await checks(world, exists=True)} == {"cp2", "cp3"}


@pytest.mark.anyio
async def test_what_the_platform_dials_has_the_helpers_fields() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"n1 cp1\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await dialling.dial("127.0.0.1", port) == {"ok": True, "banner": "n1 cp1"}
    server.close()
    await server.wait_closed()
    refused = await dialling.dial("127.0.0.1", port)
    assert not refused["ok"] and "refused" in refused["error"]
    assert await dialling.resolve("127.0.0.1") == ("127.0.0.1",)
