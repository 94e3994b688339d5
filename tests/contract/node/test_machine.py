"""The engine on a real machine: real systemd, kernel, network and sudo; compared by all that can be seen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from engine_made import CLUSTER, Blobs, Part, archive, sha

from lab.machines.machine import Machine
from lab.machines.snapshot import Ignored
from roost.api.masked import Masked
from roost.node.act import Act, ActResult, Sources, Step, UnitBusy
from roost.node.engine import apply, compare, join_running, observe, stop_running, undo
from roost.node.thing import Thing
from roost.node.things.archive import Archive, Program
from roost.node.things.directory import Directory
from roost.node.things.file import File
from roost.node.things.module import Module
from roost.node.things.residue import Residue
from roost.node.things.run import RunOnce
from roost.node.things.symlink import Symlink
from roost.node.things.sysctl import Sysctl
from roost.node.things.unit import Unit
from roost.ssh.asyncssh_connector import connect
from roost.ssh.connection import Command, Connection, Target
from roost.ssh.counting import Count, CountingConnection
from roost.ssh.errors import AuthenticationFailed, HostKeyChanged, SudoRefused

pytestmark = [pytest.mark.anyio, pytest.mark.lab]

PLUGINS = archive({"bin/bridge": b"BRIDGE", "bin/host-local": b"HOST-LOCAL"})
PROGRAM = Path("/bin/true").read_bytes()
RESIDUE = Residue(
    "demo",
    stop_units=("demo.service",),
    directories=("/var/lib/demo", "/var/lib/kubelet", "/etc/cni/net.d"),
    mounts=("/var/lib/kubelet/", "/run/netns"),
    links=("veth*", "cni0"),
    netns=("cni-*",),
    chains=("KUBE-*", "CNI-*"),
    routes=("10.244.0.0/16",),
    cgroups=("kubepods*",),
    sysctls=("net.ipv4.ip_forward", "net.ipv4.conf.all.rp_filter"),
)
MESS = """
ip link add cni0 type bridge && ip link set cni0 up && ip link add veth1a type veth peer name veth1b
ip addr add 10.244.0.1/24 dev cni0 && ip route add 10.244.3.0/24 via 10.244.0.9
ip netns add cni-1234
for p in iptables ip6tables; do
  $p -t nat -N KUBE-SERVICES && $p -t nat -A PREROUTING -m comment --comment "a -j DROP \\$(b)" -j KUBE-SERVICES
  $p -N KUBE-FORWARD && $p -N CNI-1 && $p -A CNI-1 -j KUBE-FORWARD && $p -I FORWARD -g CNI-1
done
echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
mkdir -p "/var/lib/kubelet/pods/a b" /etc/cni/net.d /var/lib/demo/deep
mount -t tmpfs none "/var/lib/kubelet/pods/a b" && echo x >"/var/lib/kubelet/pods/a b/file"
for tree in /sys/fs/cgroup/*/; do mkdir -p "$tree/kubepods/burstable/pod1" 2>/dev/null || :; done
setsid sh -c 'echo $$ >/sys/fs/cgroup/pids/kubepods/burstable/pod1/cgroup.procs; exec sleep 98989' >/dev/null 2>&1 &
until read -r _ </sys/fs/cgroup/pids/kubepods/burstable/pod1/cgroup.procs; do sleep 0.05; done
touch /var/lib/demo/done
"""


PASSING = (
    Ignored(r"process:.*(sshd: |systemd-user-runtime-dir).*", "the session of the test itself, coming or going"),
    Ignored(r"(addr|route6):.*fe80:.*", "the kernel still tries whether the address is free"),
)


def wishes() -> list[Thing]:
    return [
        RESIDUE,
        Module("br_netfilter"),
        Sysctl("90-demo", {"net.ipv4.ip_forward": "1"}),
        Directory("/etc/demo", 0o700),
        File("/etc/demo/it's\n$HOME", "content\n", 0o600),
        File("/etc/motd", "of roost\n", on_foreign="replace"),
        Symlink("/etc/demo-link", "/etc/demo"),
        Archive(
            "plugins",
            f"sha256:{sha(PLUGINS)}",
            "/opt/cni/bin",
            (Part("bridge", sha(b"BRIDGE")), Part("host-local", sha(b"HOST-LOCAL"))),
            strip=1,
        ),
        Program("/usr/local/bin/demo", f"sha256:{sha(PROGRAM)}"),
        Unit(
            "demo.service",
            "[Service]\nExecStart=/bin/sleep 87878\n[Install]\nWantedBy=multi-user.target\n",
            restart_key="1",
        ),
        RunOnce("run:mess", "make a mess", '[ -e "$R/var/lib/demo/done" ] && field state done', MESS),
    ]


async def bring(
    connection: Connection, things: Sequence[Thing], steps: list[Step] | None = None, *, timeout: float = 120
) -> ActResult:
    comparison = compare(things, await observe(connection, things, cluster_id=CLUSTER))
    assert not comparison.blocked
    sources = Sources(Blobs(PLUGINS, PROGRAM))
    act = Act(CLUSTER, "prepare", "prepare", things, comparison.changes, sources, timeout=timeout)
    return await apply(connection, act, on_step=(steps if steps is not None else []).append)


async def test_there_and_exactly_back(machine: Machine, connection: Connection) -> None:
    before = machine.snapshot()
    count = Count()
    counted = CountingConnection(connection, count)
    result = await bring(counted, wishes())
    assert result.ok, result
    assert count.commands == 2, count.titles
    state = await connection.run(
        Command("t", "systemctl is-active demo; cat /proc/sys/net/ipv4/ip_forward; ls /run/roost")
    )
    assert state.stdout == "active\n1\n"

    during = machine.snapshot()
    assert compare(wishes(), await observe(connection, wishes(), cluster_id=CLUSTER)).changes == ()
    assert machine.changes_since(during, ignored=PASSING) == [], "a look changes nothing"

    undone = await undo(connection, CLUSTER)
    assert undone.ok, undone
    assert machine.changes_since(before, ignored=PASSING) == []


async def test_back_by_the_journals_own_script(machine: Machine, connection: Connection) -> None:
    before = machine.snapshot()
    assert (await bring(connection, wishes())).ok
    done = machine.run(f"sh /var/lib/roost/{CLUSTER}/journal/undo.sh", timeout=60)
    assert "restore files" in done.stdout
    assert machine.changes_since(before, ignored=PASSING) == []


async def test_a_look_at_an_untouched_machine_changes_nothing(machine: Machine, connection: Connection) -> None:
    before = machine.snapshot()
    seen = await observe(connection, wishes(), cluster_id=CLUSTER)
    assert machine.changes_since(before, ignored=PASSING) == []
    facts = seen.facts
    assert (facts.hostname, facts.architecture, facts.os_id) == (machine.name, "amd64", "debian")
    assert machine.ipv4 in {address.address for address in facts.addresses}
    assert facts.default_interface and facts.systemd_state == "running"
    assert any(listener.port == 22 and listener.process == "sshd" for listener in facts.listeners)
    assert facts.programs["systemd-run"] and "kubelet" not in facts.programs


async def test_switched_off_hard_in_the_middle(machine: Machine, target: Target) -> None:
    before = machine.snapshot()
    slow = [*wishes(), RunOnce("run:slow", "wait", "[ -e /run/go ] && field state done", "sleep 100; touch /run/go")]
    connection = await connect(target)
    task = asyncio.create_task(bring(connection, slow))
    await until_running(target)
    machine.power_off()
    machine.power_on()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    connection = await connect(target)
    result = await bring(connection, [thing for thing in slow if thing.key != "run:mess"][:-1])
    assert result.ok, result
    undone = await undo(connection, CLUSTER)
    assert undone.ok, undone
    await connection.close()
    differences = machine.changes_since(before, ignored=PASSING)
    assert [line for line in differences if "boot" not in line] == []


async def until_running(target: Target) -> None:
    connection = await connect(target)
    async with asyncio.timeout(60):
        while "run:slow" not in (await connection.run(Command("t", "cat /run/roost/*/current/log || :"))).stdout:
            await asyncio.sleep(0.2)
    await connection.close()


async def test_the_unit_is_the_lock_outlives_the_connection_and_can_be_stopped(target: Target) -> None:
    slow: list[Thing] = [RunOnce("run:slow", "wait", "[ -e /run/go ] && field state done", "sleep 3; touch /run/go")]
    connection = await connect(target)
    task = asyncio.create_task(bring(connection, slow))
    await until_running(target)
    other = await connect(target)
    with pytest.raises(UnitBusy, match="prepare by roost: prepare"):
        await bring(other, [File("/etc/demo", "x")])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await connection.close()
    joined = await join_running(other, CLUSTER)
    assert joined is not None and joined.ok and joined.steps_done == 1
    task = asyncio.create_task(bring(other, [RunOnce("run:slow", "wait", "field state needed", "sleep 300")]))
    await until_running(target)
    third = await connect(target)
    assert await stop_running(third, CLUSTER)
    result = await task
    assert not result.ok
    assert (await undo(third, CLUSTER)).ok
    await third.run(Command("t", "rm -f /run/go"))


async def test_an_act_over_its_time_is_ended_and_told(connection: Connection) -> None:
    result = await bring(
        connection, [RunOnce("run:hang", "hang", "field state needed", "echo hanging; sleep 100")], timeout=2
    )
    assert (result.exit_status, result.failed_key) == (137, "run:hang")
    assert "hanging" in result.evidence and "over its time" in result.evidence
    assert (await undo(connection, CLUSTER)).ok


async def test_a_unit_that_does_not_start_shows_its_last_words(connection: Connection) -> None:
    unit = Unit(
        "bad.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo out of luck; exit 3'\n", enabled=False
    )
    result = await bring(connection, [unit])
    assert result.failed_key == "unit:bad.service"
    assert "out of luck" in result.evidence, result.evidence
    assert (await undo(connection, CLUSTER)).ok


async def test_sudo_with_and_without_password(machine: Machine, target: Target) -> None:
    before = machine.snapshot()
    operator = replace(target, user="operator", private_key=None, password=Masked(machine.password))
    for user in (replace(target, user="admin"), operator):
        connection = await connect(user)
        assert (await connection.run(Command("t", "id -u; cat"), payload=b"payload\n")).stdout == "0\npayload\n"
        result = await bring(connection, wishes())
        assert result.ok, result
        assert (await undo(connection, CLUSTER)).ok
        await connection.close()
    assert machine.changes_since(before, ignored=PASSING) == []
    with pytest.raises(SudoRefused, match=r"operator can't become root \(.*sudo"):
        await connect(replace(operator, sudo_password=Masked("hunter-2")))


async def test_wrong_password_and_wrong_host_key(target: Target) -> None:
    with pytest.raises(AuthenticationFailed, match="the password of user root"):
        await connect(replace(target, private_key=None, password=Masked("hunter-2")))
    other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    with pytest.raises(HostKeyChanged, match=other):
        await connect(replace(target, host_keys=(other,)))
