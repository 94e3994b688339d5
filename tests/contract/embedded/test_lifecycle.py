"""Starts, stops, kills: after each the platform is as before, and nothing is left of what ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable

import pytest

from roost.embedded import process, record
from roost.embedded.ports import Ports, check_free
from tests.contract.embedded.platform_under_test import Platform

pytestmark = pytest.mark.programs
CHILDREN = ("etcd", "kube-apiserver", "kube-controller-manager", "registry", "admission")


def until(condition: Callable[[], bool], what: str, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not after {seconds} s: {what}"
        time.sleep(0.1)


def running(platform: Platform) -> dict[str, process.Identity]:
    """By name. A pid alone would not do: on a busy computer another process has the same one seconds later."""
    found = {name: process.identify(pid) for name, pid in platform.pids().items()}
    return {name: identity for name, identity in found.items() if identity is not None}


def mark(platform: Platform, word: str) -> None:
    platform.kubectl("create", "configmap", "mark", f"--from-literal=word={word}")


def marked(platform: Platform) -> str:
    word = platform.kubectl("get", "configmap", "mark", "-o", "jsonpath={.data.word}")
    platform.kubectl("delete", "configmap", "mark")
    return word


def test_a_second_up_is_refused_by_pid_and_detached_is_content(platform: Platform) -> None:
    pid = platform.pids()["up"]
    foreground = platform.roost("up")
    assert foreground.returncode == 1
    assert f"pid {pid}" in foreground.stderr
    assert "already running" in platform.roost("up", "--detach").stdout
    other = platform.roost("up", "--detach", "--port-base", "9000")
    assert other.returncode == 1
    assert "roost down" in other.stderr
    assert platform.pids()["up"] == pid


@pytest.mark.parametrize("name", CHILDREN)
def test_a_killed_child_comes_back(platform: Platform, name: str) -> None:
    before = platform.pids()
    os.kill(before[name], signal.SIGKILL)
    until(lambda: platform.pids().get(name) not in (None, before[name]), f"{name} is started again")
    until(lambda: platform.status()["state"] == "ready", "ready")
    until(lambda: platform.roost("kubectl", "create", "configmap", "a").returncode == 0, "the API takes writes")
    platform.kubectl("delete", "configmap", "a")
    after = platform.pids()
    assert {n: p for n, p in after.items() if n != name} == {n: p for n, p in before.items() if n != name}
    assert f"{name} was ended by SIGKILL" in platform.layout.log("up").read_text()


def test_a_killed_supervisor_takes_its_children_along_and_the_next_goes_on(platform: Platform) -> None:
    mark(platform, "kept")
    before = running(platform)
    os.kill(before["up"].pid, signal.SIGKILL)
    until(lambda: not process.is_alive(before["up"]), "the supervisor is gone")
    assert platform.status()["state"] == "stopped"
    platform.start()
    assert not any(map(process.is_alive, before.values()))
    assert marked(platform) == "kept"
    assert set(platform.pids()) == set(before)


def test_down_ends_everything_and_up_needs_no_options(platform: Platform) -> None:
    mark(platform, "kept")
    before = running(platform)
    assert set(before) == set(platform.pids())
    done = platform.roost("down")
    assert done.returncode == 0
    assert not any(map(process.is_alive, before.values()))
    assert "No platform runs" in platform.roost("down").stdout
    assert platform.roost("status").returncode == 1
    check_free(Ports(platform.base), None)
    again = platform.roost("up", "--detach", "--without", "controllers")
    assert again.returncode == 0, again.stderr
    assert "certificates made or renewed" not in again.stderr
    assert platform.status()["portBase"] == platform.base
    assert marked(platform) == "kept"


def test_interrupted_in_the_middle_of_a_start(platform: Platform) -> None:
    platform.roost("down")
    import subprocess
    import sys

    starting = subprocess.Popen(
        [sys.executable, "-m", "roost.main", "up", "--without", "controllers"],
        env={**os.environ, "ROOST_DATA_DIR": str(platform.root), "ROOST_LANG": "en"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert starting.stderr is not None
    while "etcd listens" not in starting.stderr.readline():
        assert starting.poll() is None
    children = running(platform)
    assert children
    starting.terminate()
    rest = starting.communicate(timeout=60)[1]
    assert starting.returncode == 0
    assert "stopped" in rest
    assert not any(map(process.is_alive, children.values()))
    assert list(platform.layout.run.glob("process-*.json")) == []


def test_a_taken_port_is_named_before_anything_is_started(platform: Platform) -> None:
    platform.roost("down")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", platform.base + 379))
        taken.listen()
        done = platform.roost("up", "--detach")
    assert done.returncode == 1
    for part in (str(platform.base + 379), "etcd", f"(pid {os.getpid()})", "--port-base"):
        assert part in done.stderr
    assert platform.pids() == {}


def test_a_directory_of_a_newer_roost_is_left_alone(platform: Platform) -> None:
    platform.roost("down")
    kept = platform.layout.record.read_text()
    platform.layout.record.write_text(json.dumps(json.loads(kept) | {"schemaVersion": record.SCHEMA + 1}))
    try:
        done = platform.roost("up", "--detach")
        assert done.returncode == 1
        assert "newer than this roost" in done.stderr
        assert platform.roost("status").returncode == 1
    finally:
        platform.layout.record.write_text(kept)


def test_a_program_that_cannot_start_is_named_with_its_words(platform: Platform) -> None:
    platform.roost("down")
    member = platform.layout.etcd / "member"
    away = member.rename(platform.root / "member-away")
    member.write_text("in the way")
    try:
        done = platform.roost("up", "--detach")
    finally:
        member.unlink()
        away.rename(member)
    assert done.returncode == 1
    assert "etcd ended with exit code" in done.stderr
    assert str(platform.layout.log("etcd")) in done.stderr
    assert platform.pids() == {}


def test_what_was_removed_while_nobody_looked_comes_back(platform: Platform) -> None:
    """A start that trusts the stamp of the last one says «ready» first, and repairs what is roost's afterwards."""
    platform.kubectl("delete", "clusterrole", "roost:controllers")
    platform.kubectl("delete", "validatingadmissionpolicybinding", "roost-no-nodes")
    platform.roost("down")
    platform.start()
    until(
        lambda: platform.roost("kubectl", "get", "clusterrole", "roost:controllers").returncode == 0, "access is back"
    )
    binding = ("kubectl", "get", "validatingadmissionpolicybinding", "roost-no-nodes")
    until(lambda: platform.roost(*binding).returncode == 0, "the policy is back")
