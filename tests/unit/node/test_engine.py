"""The engine on a machine that is a directory: real sh, real files, a played systemd."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from engine_made import CLUSTER, TARGET, Blobs, Part, archive, sha, tree

from roost.api.masked import MASK, Masked
from roost.node.act import Act, ActFailed, ActResult, Sources, Step, UnitBusy
from roost.node.engine import apply, compare, join_running, observe, stop_running, undo
from roost.node.thing import Action, Change, Payload, Thing
from roost.node.things.archive import Archive, Program
from roost.node.things.directory import Directory
from roost.node.things.file import File
from roost.node.things.module import Module
from roost.node.things.residue import Residue
from roost.node.things.run import Fact, RunOnce
from roost.node.things.symlink import Symlink
from roost.node.things.sysctl import Sysctl
from roost.node.things.unit import Unit
from roost.ssh.connection import Connection
from roost.ssh.counting import Count, CountingConnection
from roost.ssh.errors import ConnectionLost
from roost.ssh.fake import FakeMachine

pytestmark = pytest.mark.anyio

PLUGINS = archive({"bin/bridge": b"BRIDGE", "bin/more/host-local": b"HOST-LOCAL"})
KUBELET = b"\x7fELF" + bytes(range(256)) * 2000
BLOBS = (PLUGINS, KUBELET)
NEEDED = '[ -e "$R/etc/kubernetes/admin.conf" ] && field state done || field state needed'


def wishes() -> list[Thing]:
    """One of each kind, in an order that a machine would have."""
    return [
        Residue(
            "kubernetes",
            stop_units=("kubelet.service",),
            directories=("/etc/kubernetes", "/var/lib/kubelet", "/var/log", "/var/spool/deep/er"),
            sysctls=("net.ipv4.conf.all.rp_filter",),
        ),
        Module("br_netfilter"),
        Sysctl("99-kubernetes", {"net.ipv4.ip_forward": "1"}),
        Directory("/etc/deep/er", 0o700),
        File("/etc/deep/er/it's a file\nof $HOME", b"bytes \x00\xff\n", 0o640),
        Symlink("/etc/deep/link", "er/it's\n"),
        Archive(
            "cni-plugins",
            f"sha256:{sha(PLUGINS)}",
            "/opt/cni/bin",
            (Part("bridge", sha(b"BRIDGE")), Part("more/host-local", sha(b"HOST-LOCAL"))),
            strip=1,
        ),
        Program("/usr/local/bin/kubelet", f"sha256:{sha(KUBELET)}"),
        Unit("kubelet.service", "[Service]\nExecStart=/usr/local/bin/kubelet\n"),
        RunOnce(
            "run:init",
            "make the control plane",
            NEEDED,
            'mkdir -p "$R/etc/kubernetes" "$R/var/lib/kubelet/pods" "$R/var/spool/deep/er"\n'
            'echo 0 >"$R/proc/sys/net/ipv4/conf/all/rp_filter"\n'
            'cp -- "$P/config" "$R/etc/kubernetes/admin.conf"; echo log >"$R/var/log/kube.log"',
            files=(Payload("config", content=b"secret", secret=True),),
        ),
    ]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[FakeMachine]:
    machine = FakeMachine(tmp_path)
    machine.write("proc/sys/net/ipv4/conf/all/rp_filter", "2\n")
    machine.write("var/log/old.log", "old\n")
    yield machine
    machine.kill_units()


@pytest.fixture
async def connection(machine: FakeMachine) -> Connection:
    return await machine.connect(TARGET)


async def bring(
    connection: Connection, things: Sequence[Thing], blobs: Blobs | None = None, steps: list[Step] | None = None
) -> ActResult:
    comparison = compare(things, await observe(connection, things, cluster_id=CLUSTER))
    assert not comparison.blocked
    act = Act(CLUSTER, "prepare", "prepare the machine", things, comparison.changes, Sources(blobs or Blobs(*BLOBS)))
    return await apply(connection, act, on_step=(steps if steps is not None else []).append)


async def test_everything_is_made_verified_and_undone(machine: FakeMachine, connection: Connection) -> None:
    before = tree(machine.root)
    steps: list[Step] = []
    result = await bring(connection, wishes(), steps=steps)
    assert result.ok, result
    assert (machine.root / "etc/deep/er/it's a file\nof $HOME").read_bytes() == b"bytes \x00\xff\n"
    assert (machine.root / "opt/cni/bin/more/host-local").read_bytes() == b"HOST-LOCAL"
    assert (machine.root / "proc/sys/net/ipv4/ip_forward").read_text() == "1\n"
    assert [step.number for step in steps if step.state == "done"] == list(range(1, 10))
    assert not list((machine.root / "run/roost").glob("*/act-*"))
    assert not (machine.root / f"var/lib/roost/{CLUSTER}/stage").exists()

    assert compare(wishes(), await observe(connection, wishes(), cluster_id=CLUSTER)).changes == ()

    undone = await undo(connection, CLUSTER)
    assert undone.ok, undone
    assert tree(machine.root) == before
    assert (await undo(connection, CLUSTER)).ok


async def test_one_round_trip_each_and_none_when_nothing_differs(connection: Connection) -> None:
    count = Count()
    counted = CountingConnection(connection, count)
    assert (await bring(counted, wishes())).ok
    assert count.commands == 2
    assert (await bring(counted, wishes())).ok
    assert count.commands == 3, count.titles


async def test_blobs_come_once(connection: Connection) -> None:
    things = [wishes()[7], RunOnce("run:x", "fail once", "field state needed", "exit 3")]
    blobs = Blobs(*BLOBS)
    first = await bring(connection, things, blobs)
    assert (first.exit_status, first.failed_key, first.steps_done) == (3, "run:x", 1)
    await bring(connection, [Program("/usr/local/bin/other", f"sha256:{sha(KUBELET)}")], blobs)
    assert blobs.opened == [f"sha256:{sha(KUBELET)}"]


async def test_wrong_bytes_are_refused(connection: Connection) -> None:
    blobs = Blobs()
    blobs.blobs[f"sha256:{sha(KUBELET)}"] = b"something else"
    result = await bring(connection, [wishes()[7]], blobs)
    assert not result.ok
    assert sha(b"something else") in result.evidence


async def test_a_foreign_file_is_kept(machine: FakeMachine, connection: Connection) -> None:
    machine.write("/etc/foreign", "mine\n")
    things = [
        File("/etc/foreign", "roost's\n"),
        Symlink("/etc/os-release", "x"),
        Program("/etc/foreign", "sha256:00"),
    ]
    comparison = compare(things, await observe(connection, things, cluster_id=CLUSTER))
    assert comparison.changes == ()
    assert [block.reason for block in comparison.blocked] == ["ForeignFile"] * 3
    assert "/etc/foreign" in comparison.blocked[0].message


async def test_a_foreign_file_that_is_right_already_stays_out_of_the_journal(
    machine: FakeMachine, connection: Connection
) -> None:
    machine.write("/etc/same", "same\n")
    assert (await bring(connection, [File("/etc/same", "same\n"), Directory("/etc/new")])).ok
    assert (await undo(connection, CLUSTER)).ok
    assert (machine.root / "etc/same").read_text() == "same\n"


async def test_a_replaced_file_comes_back_as_it_was(machine: FakeMachine, connection: Connection) -> None:
    machine.write("/etc/foreign", "mine\n")
    (machine.root / "etc/foreign").chmod(0o604)
    before = tree(machine.root)
    mtime = (machine.root / "etc/foreign").stat().st_mtime_ns
    assert (await bring(connection, [File("/etc/foreign", "one\n", on_foreign="replace")])).ok
    assert (await bring(connection, [File("/etc/foreign", "two\n")])).ok
    assert (await undo(connection, CLUSTER)).ok
    assert tree(machine.root) == before
    assert (machine.root / "etc/foreign").stat().st_mtime_ns == mtime


async def test_what_somebody_changed_after_roost_is_kept_and_told(
    machine: FakeMachine, connection: Connection
) -> None:
    assert (await bring(connection, [File("/etc/new", "roost's\n"), Directory("/etc/box")])).ok
    machine.write("/etc/new", "changed\n")
    machine.write("/etc/box/mine", "mine\n")
    undone = await undo(connection, CLUSTER)
    assert undone.ok
    assert (machine.root / "etc/new.roost-kept").read_text() == "changed\n"
    assert not (machine.root / "etc/new").exists()
    assert (machine.root / "etc/box/mine").exists()
    assert "/etc/new.roost-kept" in undone.evidence and "/etc/box" in undone.evidence


async def test_a_failed_step_names_the_thing_and_the_evidence(connection: Connection) -> None:
    things: list[Thing] = [
        File("/etc/first", "1"),
        RunOnce("run:bad", "do it", "field state needed", "echo before; echo 'no space left' >&2; false; echo after"),
        File("/etc/last", "3"),
    ]
    result = await bring(connection, things)
    assert (result.exit_status, result.failed_key, result.steps_done, result.steps_total) == (1, "run:bad", 1, 3)
    assert result.evidence == "before\nno space left"
    with pytest.raises(ActFailed, match=r"m1 .*run:bad.*no space left"):
        result.raise_if_failed(TARGET)
    assert [change.key for change in (await _changes(connection, things))] == ["run:bad", "file:/etc/last"]


async def _changes(connection: Connection, things: Sequence[Thing]):
    return compare(things, await observe(connection, things, cluster_id=CLUSTER)).changes


async def test_a_change_that_does_not_last_is_no_success(connection: Connection) -> None:
    result = await bring(connection, [RunOnce("run:lazy", "do nothing", NEEDED, ":")])
    assert result.exit_status == 0 and not result.ok
    assert [found.key for found in result.unverified] == ["run:lazy"]
    with pytest.raises(ActFailed, match="run:lazy"):
        result.raise_if_failed(TARGET)


async def test_a_unit_restarts_only_for_a_reason(machine: FakeMachine, connection: Connection) -> None:
    def unit(key: str) -> list[Thing]:
        return [Unit("a.service", "[Service]\n", restart_key=key)]

    def restarts() -> int:
        return (machine.root / ".fake/systemctl.log").read_text().splitlines().count("restart a.service")

    assert (await bring(connection, unit("one"))).ok and restarts() == 1
    assert (await bring(connection, unit("one"))).ok and restarts() == 1
    assert (await bring(connection, unit("two"))).ok and restarts() == 2


async def test_a_unit_that_does_not_start(machine: FakeMachine, connection: Connection) -> None:
    machine.write(".fake/fail/a.service", "Job failed: exec format error\n")
    result = await bring(connection, [Unit("a.service", "[Service]\n")])
    assert result.failed_key == "unit:a.service"
    assert "exec format error" in result.evidence and "does not start" in result.evidence


async def test_a_setting_that_the_kernel_does_not_have(connection: Connection) -> None:
    missing = Sysctl("x", {"net.none": "1"})
    comparison = compare([missing], await observe(connection, [missing], cluster_id=CLUSTER))
    assert comparison.blocked[0].reason == "SysctlMissing"
    assert (await bring(connection, [Sysctl("x", {"net.none": "1"}, optional=("net.none",))])).ok


MODPROBE = """#!/bin/sh
if [ "$1" = -n ]; then [ "$4" != loadable ] || echo insmod loadable.ko; exit; fi
mkdir -p "$ROOST_ROOT/sys/module/$2" && echo live >"$ROOST_ROOT/sys/module/$2/initstate"
"""


async def test_modules(machine: FakeMachine, connection: Connection) -> None:
    machine.program("modprobe", MODPROBE)
    machine.write("/sys/module/loaded/initstate", "live\n")
    (machine.root / "sys/module/built_in").mkdir(parents=True)
    things: list[Thing] = [Module(name) for name in ("loaded", "built-in", "loadable")]
    seen = (await observe(connection, things, cluster_id=CLUSTER)).things
    assert [seen[thing.key]["module"] for thing in things] == ["loaded", "builtin", "loadable"]
    assert [change.key for change in await _changes(connection, things)] == ["module:loaded", "module:loadable"]
    assert (await bring(connection, things)).ok
    assert (machine.root / "etc/modules-load.d/roost-loadable.conf").read_text() == "loadable\n"


async def test_a_missing_module_that_is_required(machine: FakeMachine, connection: Connection) -> None:
    machine.program("modprobe", "#!/bin/sh\nexit 1\n")
    things = [Module("needed", required=True), Module("harmless")]
    comparison = compare(things, await observe(connection, things, cluster_id=CLUSTER))
    assert [(block.key, block.reason) for block in comparison.blocked] == [("module:needed", "ModuleMissing")]
    assert comparison.changes == ()


async def test_a_second_act_meets_the_lock(machine: FakeMachine, connection: Connection) -> None:
    slow: list[Thing] = [
        RunOnce("run:slow", "wait", "field state needed", 'until [ -e "$R/go" ]; do sleep 0.1; done')
    ]
    first = asyncio.create_task(bring(connection, slow))
    await until_started(machine)
    with pytest.raises(UnitBusy, match=r"m1 .*prepare by roost: prepare the machine"):
        await bring(await machine.connect(TARGET), [File("/etc/x", "x")])
    machine.write("go", "")
    await first


async def test_work_outlives_the_connection_and_is_joined(machine: FakeMachine, connection: Connection) -> None:
    things: list[Thing] = [
        RunOnce(
            "run:slow", "wait", '[ -e "$R/done" ] && field state done', 'echo working; sleep 0.3; touch "$R/done"'
        ),
        File("/etc/after", "x"),
    ]
    machine.drop_at = "working"
    with pytest.raises(ConnectionLost):
        await bring(connection, things)
    again = await machine.connect(TARGET)
    steps: list[Step] = []
    joined = await join_running(again, CLUSTER, on_step=steps.append)
    assert joined is not None and joined.ok and joined.title == "prepare the machine"
    assert [step.key for step in steps if step.state == "done"] == ["run:slow", "file:/etc/after"]
    assert await join_running(again, CLUSTER) is None
    assert await _changes(again, things) == ()


@pytest.mark.parametrize("late", ["0", "0.5"], ids=["followed", "before-systemd-run-has-answered"])
async def test_a_cancelled_task_leaves_the_unit_and_it_can_be_stopped(
    machine: FakeMachine, connection: Connection, late: str
) -> None:
    machine.write(".fake/late", late)
    things: list[Thing] = [RunOnce("run:slow", "wait", "field state needed", "sleep 100")]
    task = asyncio.create_task(bring(connection, things))
    await until_started(machine)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    seen = await observe(connection, things, cluster_id=CLUSTER)
    assert seen.facts.running is not None and "prepare by roost" in seen.facts.running.description
    assert list((machine.root / "run/roost").glob("*/current/log")), "the act's directory was taken from it"
    assert await stop_running(connection, CLUSTER)
    assert not await stop_running(connection, CLUSTER)
    assert await join_running(connection, CLUSTER) is None


async def test_undo_stops_what_runs(machine: FakeMachine, connection: Connection) -> None:
    before = tree(machine.root)
    things: list[Thing] = [File("/etc/x", "x"), RunOnce("run:slow", "wait", "field state needed", "sleep 100")]
    task = asyncio.create_task(bring(connection, things))
    await until_started(machine)
    assert (await undo(await machine.connect(TARGET), CLUSTER)).ok
    await asyncio.gather(task, return_exceptions=True)
    assert tree(machine.root) == before


async def test_secrets_are_masked_in_evidence(connection: Connection) -> None:
    things: list[Thing] = [RunOnce("run:x", "x", "field state needed", "echo token is abcdef.0123; exit 1")]
    comparison = compare(things, await observe(connection, things, cluster_id=CLUSTER))
    act = Act(CLUSTER, "x", "x", things, comparison.changes, Sources(Blobs()), secrets=(Masked("abcdef.0123"),))
    assert (await apply(connection, act)).evidence == f"token is {MASK}"


async def test_killed_at_random_points_it_ends_in_the_same_state(tmp_path: Path) -> None:
    """Power goes off again and again while the act runs, then while it is undone."""
    chance = random.Random(4)
    things = [thing for thing in wishes() if not isinstance(thing, Fact)]
    calm = FakeMachine(tmp_path / "calm")
    stormy = FakeMachine(tmp_path / "stormy")
    for machine in (calm, stormy):
        machine.write("proc/sys/net/ipv4/conf/all/rp_filter", "2\n")
    before = tree(stormy.root)
    assert (await bring(await calm.connect(TARGET), things)).ok

    for _ in range(6):
        await with_power_cut(stormy, bring(await stormy.connect(TARGET), things), chance.uniform(0.05, 0.6))
    result = await bring(await stormy.connect(TARGET), things)
    assert result.ok, result
    assert without_journal(tree(stormy.root)) == without_journal(tree(calm.root))

    for _ in range(4):
        await with_power_cut(stormy, undo(await stormy.connect(TARGET), CLUSTER), chance.uniform(0.02, 0.3))
    undone = await undo(await stormy.connect(TARGET), CLUSTER)
    assert undone.ok, undone
    assert tree(stormy.root) == before


async def with_power_cut(machine: FakeMachine, work, after: float) -> None:
    task = asyncio.create_task(work)
    await asyncio.wait([task], timeout=after)
    machine.kill_units()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    # /run is empty after a boot.
    for old in (machine.root / "run/roost").glob("*/*"):
        if old.is_symlink() or old.is_file():
            old.unlink()


async def test_what_a_killed_act_left_of_its_stamps_stops_no_other(
    machine: FakeMachine, connection: Connection
) -> None:
    """It was killed between a list of members and the stamp that goes with it; what it unpacked is right."""
    place = f"run/roost/{CLUSTER}/stamps/{'a' * 64}"
    machine.write(f"{place}.members", f"{machine.root}/usr/local/bin/gone\n")
    machine.write(f"{place}.tmp", "half")
    result = await bring(connection, [File("/etc/x", "x")])
    assert result.ok, result.evidence
    assert not (machine.root / f"run/roost/{CLUSTER}/stamps").exists()


def without_journal(paths: dict[str, str]) -> dict[str, str]:
    return {path: what for path, what in paths.items() if not path.startswith(("var/lib/roost", "run/"))}


async def until_started(machine: FakeMachine) -> None:
    async with asyncio.timeout(20):
        while not list((machine.root / "run/roost").glob("*/current/log")):
            await asyncio.sleep(0.02)


async def test_facts(machine: FakeMachine, connection: Connection) -> None:
    machine.output("ss", 'tcp LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=1,fd=3))\n')
    seen = await observe(connection, [Fact("fact:x", "field answer 'two\nlines'; exit 5")], cluster_id=CLUSTER)
    assert seen.things["fact:x"] == {"answer": "two\nlines"}
    facts = seen.facts
    assert (facts.os_id, facts.os_version) == ("debian", "12")
    assert facts.memory == 4 * 1024**3
    assert facts.addresses[0].address == "192.0.2.10"
    assert (facts.listeners[0].port, facts.listeners[0].process) == (22, "sshd")
    assert facts.cgroup_driver == "systemd"
    assert facts.running is None and facts.journals == ()
    assert 0 < facts.free["/var/lib/etcd"] < facts.sizes["/var/lib/etcd"]


def test_actions_are_told() -> None:
    change = File("/x", "y").diff({"state": "absent", "journaled": "no"})
    assert isinstance(change, Change) and change.action is Action.CREATE
