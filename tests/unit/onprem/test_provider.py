"""The provider on fake machines: what it finds, what it plans, and that it changes nothing where it must not."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from roost.api import conditions
from roost.api.errors import PermanentFailure, RetryLater
from roost.node import probing
from roost.node.probing import Answer
from roost.providers.onprem import provider
from roost.providers.onprem.context import Context
from roost.ssh.connection import Connection, Target
from roost.ssh.errors import Unreachable
from roost.ssh.fake import FakeMachine
from tests.unit.onprem import made

pytestmark = pytest.mark.anyio

ADDRESSES = {"cp1": "192.0.2.10", "w1": "192.0.2.11"}
PROGRAMS = ("mount", "ip", "conntrack", "socat", "ethtool", "nsenter", "iptables", "nft")


@dataclass
class World:
    machines: dict[str, FakeMachine]
    ctx: Context

    @property
    def reported(self) -> made.Reported:
        return cast("made.Reported", self.ctx.report)

    def files(self) -> dict[str, str]:
        """Everything on the machines but the fake's own records."""
        return {
            str(path): path.read_text()
            for machine in self.machines.values()
            for path in machine.root.rglob("*")
            if path.is_file() and ".fake" not in path.parts
        }


@dataclass
class Helper:
    """In place of roost-probe, which these machines can't run."""

    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    asked: list[tuple[str, bool]] = field(default_factory=list[tuple[str, bool]])
    """Machines, and whether the helper was to stay there."""
    left: list[str] = field(default_factory=list[str])

    async def ask(self, connection: Connection, asked: Any, *, keep: bool, **_more: Any) -> dict[str, Answer]:
        self.asked.append((connection.target.name, keep))
        return {name: self.answers.get(name, Answer()) for name in asked}

    async def leave(self, connection: Connection, _cluster_id: str) -> None:
        self.left.append(connection.target.name)


@pytest.fixture(autouse=True)
def helper(monkeypatch: pytest.MonkeyPatch) -> Helper:
    made_ = Helper()
    monkeypatch.setattr(probing, "ask", made_.ask)
    monkeypatch.setattr(probing, "leave", made_.leave)
    return made_


@pytest.fixture
def world(tmp_path: Path) -> World:
    machines: dict[str, FakeMachine] = {}
    for name, address in ADDRESSES.items():
        machine = FakeMachine(tmp_path / name)
        for program in PROGRAMS:
            machine.program(program, "#!/bin/sh\n")
        script = (
            '#!/bin/sh\ncase "$*" in\n'
            f"*addr*) echo '2: eth0    inet {address}/24 brd 192.0.2.255 scope global eth0';;\n"
            "*route*default*) echo 'default via 192.0.2.1 dev eth0';;\n"
            "*route*) echo 'default via 192.0.2.1 dev eth0'; echo '192.0.2.0/24 dev eth0';;\nesac\n"
        )
        machine.program("ip", script)
        machine.program("bash", "#!/bin/sh\n")
        for setting in ("kernel/panic", "kernel/panic_on_oops", "vm/overcommit_memory"):
            machine.write(f"proc/sys/{setting}", "0\n")
        machine.write("etc/machine-id", f"id of {name}\n")
        machine.write("proc/filesystems", "nodev\toverlay\n")
        machine.write("sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n")
        machines[name] = machine

    async def connect(target: Target) -> Connection:
        return await machines[target.name].connect(target)

    inputs = [
        made.machine(name, address, "ControlPlane" if name == "cp1" else "Worker")
        for name, address in ADDRESSES.items()
    ]
    spec = made.spec(controlPlaneEndpoint={"host": ADDRESSES["cp1"]}, nodeName="IP")
    ctx = made.context(*inputs, spec_=spec, connect=connect)
    # A fake machine shows the architecture of the computer that the test runs on.
    here = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return World(machines, replace(ctx, bundle=made.bundle("1.31.4", architectures=(here,))))


def things(plan: Any, machine: str) -> list[str]:
    return [change.thing for entry in plan.machines if entry.name == machine for change in entry.changes]


async def test_a_plan_names_every_thing_in_order_and_changes_nothing(world: World) -> None:
    before = world.files()
    plan = await provider.plan(world.ctx)
    assert [entry.name for entry in plan.machines] == ["cp1", "w1"]
    head, worker = things(plan, "cp1"), things(plan, "w1")
    assert head[:3] == ["residue:runtime", "residue:kubelet", "residue:network"]
    assert head.index("unit:containerd.service") < head.index("unit:kubelet.service") < head.index("kubeadm:ready")
    assert worker[-1] == "kubeadm:join"
    assert [item.thing for item in plan.objects] == ["DaemonSet/kube-flannel/kube-flannel-ds"]
    assert world.files() == before
    assert world.reported.acts == []
    assert (await provider.plan(world.ctx)).hash == plan.hash


async def test_a_look_is_one_command_for_a_worker(world: World) -> None:
    await provider.plan(world.ctx)
    assert [command.title for command in world.machines["w1"].commands] == ["look at the machine"]


async def test_without_approval_nothing_is_changed(world: World) -> None:
    before = world.files()
    asked: list[str] = []

    def refuse(plan: Any) -> bool:
        asked.append(plan.hash)
        return False

    with pytest.raises(PermanentFailure) as caught:
        await provider.reconcile(replace(world.ctx, approve=refuse))
    assert caught.value.reason == conditions.AWAITING_APPROVAL
    assert len(asked) == 1
    assert world.files() == before
    assert world.reported.clusters[conditions.PREFLIGHT_PASSED][0] == "True"


async def test_every_finding_of_every_machine_is_told_before_anything_is_changed(world: World) -> None:
    world.machines["cp1"].write("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n/dev/sda2 partition 1 0 -2\n")
    world.machines["w1"].write("etc/containerd/config.toml", "somebody's own\n")
    world.machines["w1"].write("etc/resolv.conf", "")
    before = world.files()
    with pytest.raises(PermanentFailure) as caught:
        await provider.reconcile(world.ctx)
    status, reason, message = world.reported.clusters[conditions.PREFLIGHT_PASSED]
    assert (status, reason) == ("False", caught.value.reason)
    for part in (
        "cp1: SwapOn",
        "/dev/sda2",
        "w1: NameserverMissing",
        "w1: ForeignFile",
        "/etc/containerd/config.toml",
    ):
        assert part in message
    assert world.reported.machines["cp1", conditions.CHECKED][:2] == ("False", "SwapOn")
    assert world.files() == before
    assert world.reported.acts == []


async def test_a_machine_that_is_away_keeps_a_new_cluster_from_beginning(world: World) -> None:
    world.machines["w1"].refuse = Unreachable("w1 (192.0.2.11:22): no route")
    with pytest.raises(RetryLater) as caught:
        await provider.reconcile(world.ctx)
    assert caught.value.reason == "MachineUnreachable"
    assert world.reported.machines["w1", conditions.REACHABLE][:2] == ("False", "MachineUnreachable")
    assert world.reported.machines["cp1", conditions.CHECKED][0] == "True"
    assert "w1" in world.reported.clusters[conditions.PREFLIGHT_PASSED][2]
    assert world.reported.acts == []


async def test_settled_machines_are_not_spoken_to(world: World) -> None:
    ctx = replace(world.ctx, settled=frozenset({"cp1"}))
    with pytest.raises(PermanentFailure):
        await provider.reconcile(replace(ctx, approve=lambda _plan: False))
    assert world.machines["cp1"].commands == []
    assert world.machines["w1"].commands


async def test_destroying_what_never_began_leaves_clean_machines_and_says_so(world: World) -> None:
    before = world.files()
    await provider.destroy(world.ctx)
    for name in ADDRESSES:
        assert world.reported.machines[name, conditions.DELETING] == ("False", conditions.SUCCEEDED, "")
    assert world.files() == before


async def test_a_machine_that_is_away_is_named_and_the_others_are_restored(world: World) -> None:
    world.machines["w1"].refuse = Unreachable("w1 (192.0.2.11:22): no route")
    with pytest.raises(RetryLater, match="w1"):
        await provider.destroy(world.ctx)
    assert world.reported.machines["w1", conditions.DELETING][:2] == ("True", "MachineUnreachable")
    assert world.reported.machines["cp1", conditions.DELETING][:2] == ("False", conditions.SUCCEEDED)


async def test_a_registry_that_is_somebody_else_stops_before_the_first_change(world: World, helper: Helper) -> None:
    helper.answers["registry"] = Answer("CertificateUnknown", "something else answers there")
    before = world.files()
    with pytest.raises(PermanentFailure, match="something else answers there") as caught:
        await provider.reconcile(world.ctx)
    assert caught.value.reason == "RegistryNotTrusted"
    assert world.files() == before
    assert sorted(helper.asked) == [("cp1", True), ("w1", True)]
    assert sorted(helper.left) == ["cp1", "w1"]


async def test_a_plan_asks_too_and_leaves_nothing(world: World, helper: Helper) -> None:
    await provider.plan(world.ctx)
    assert sorted(helper.asked) == [("cp1", False), ("w1", False)]


async def test_nobody_is_asked_while_something_else_stands_in_the_way(world: World, helper: Helper) -> None:
    world.machines["w1"].write("etc/kubernetes/kubelet.conf", "theirs\n")
    with pytest.raises(PermanentFailure, match="ForeignContent"):
        await provider.reconcile(world.ctx)
    assert helper.asked == []
