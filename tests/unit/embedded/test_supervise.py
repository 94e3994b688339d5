"""Supervision with tiny programs: started, started again, ended in order, and recognised afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roost.api.errors import PermanentFailure
from roost.embedded import process, supervise
from roost.embedded.supervise import Program, Supervisor

pytestmark = pytest.mark.anyio
SHELL = Path("/bin/sh")
SLEEPER = "exec /bin/sleep 600"


def program(tmp_path: Path, script: str, name: str = "child") -> Program:
    return Program(name, SHELL, ("-c", script), tmp_path / f"{name}.log", stop_seconds=5)


async def until(condition: Callable[[], bool], what: str) -> None:
    """Waits on the event loop, not by the clock, with an end."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"never: {what}")


class Watched:
    def __init__(self, directory: Path) -> None:
        self.restarts: list[str] = []
        self.directory = directory
        self.supervisor = Supervisor(self.file, on_restart=lambda name, end: self.restarts.append(f"{name} {end}"))

    def file(self, name: str) -> Path:
        return self.directory / f"process-{name}.json"

    def pid(self, name: str = "child") -> int | None:
        return self.supervisor.children[name].pid


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncGenerator[Watched]:
    found = Watched(tmp_path)
    yield found
    await found.supervisor.stop_all(())


async def test_a_child_is_recorded_and_gone_after_stop(watched: Watched, tmp_path: Path) -> None:
    await watched.supervisor.start(program(tmp_path, SLEEPER))
    identity = process.read(watched.file("child"))
    assert identity is not None
    assert identity.pid == watched.pid()
    assert stat.S_IMODE(watched.file("child").stat().st_mode) == 0o600
    await watched.supervisor.stop("child")
    assert not process.is_alive(identity)
    assert not watched.file("child").exists()
    assert watched.restarts == []


async def test_a_child_that_is_killed_is_started_again(watched: Watched, tmp_path: Path) -> None:
    await watched.supervisor.start(program(tmp_path, SLEEPER))
    first = watched.pid()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: watched.pid() not in (None, first), "a new process")
    assert watched.restarts == ["child was ended by SIGKILL"]
    identity = process.read(watched.file("child"))
    assert identity is not None
    assert identity.pid == watched.pid()


async def test_a_child_that_keeps_dying_is_named_with_its_last_words(watched: Watched, tmp_path: Path) -> None:
    await watched.supervisor.start(program(tmp_path, "echo starting; echo 'fatal: no such flag'; echo bye; exit 7"))
    await until(lambda: watched.supervisor.children["child"].failures >= 3, "three failures")
    with pytest.raises(
        PermanentFailure, match=r"child ended with exit code 7, \d times.*fatal: no such flag"
    ) as caught:
        watched.supervisor.check()
    assert str(tmp_path / "child.log") in caught.value.message


async def test_a_child_that_ignores_term_is_killed(watched: Watched, tmp_path: Path) -> None:
    stubborn = replace(
        program(tmp_path, "trap '' TERM; echo up; while :; do /bin/sleep 0.05; done"), stop_seconds=0.2
    )
    await watched.supervisor.start(stubborn)
    await until(lambda: (tmp_path / "child.log").read_text() == "up\n", "the trap is set")
    identity = process.read(watched.file("child"))
    assert identity is not None
    await watched.supervisor.stop("child")
    assert not process.is_alive(identity)


async def test_groups_end_one_after_the_other(watched: Watched, tmp_path: Path) -> None:
    record = tmp_path / "order"
    for name in ("storage", "api", "client"):
        script = f"trap 'echo {name} >> {record}; exit 0' TERM; echo up; while :; do /bin/sleep 0.02; done"
        await watched.supervisor.start(program(tmp_path, script, name))
        await until(lambda name=name: (tmp_path / f"{name}.log").read_text() == "up\n", "the trap is set")
    await watched.supervisor.stop_all((("client",), ("api",)))
    assert record.read_text().split() == ["client", "api", "storage"]


async def test_a_program_that_is_not_there_is_an_error_with_its_path(watched: Watched, tmp_path: Path) -> None:
    missing = replace(program(tmp_path, ""), executable=tmp_path / "nowhere")
    with pytest.raises(PermanentFailure, match="nowhere"):
        await watched.supervisor.start(missing)


async def test_children_get_no_secrets_from_the_environment(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "hunter2")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hunter2@proxy")
    await watched.supervisor.start(program(tmp_path, f"/usr/bin/env; echo done; {SLEEPER}"))
    await until(lambda: "done" in (tmp_path / "child.log").read_text(), "output")
    assert "hunter2" not in (tmp_path / "child.log").read_text()


KILLED = """
import asyncio, sys
from pathlib import Path
from roost.embedded.supervise import Program, Supervisor

async def main():
    directory = Path(sys.argv[1])
    s = Supervisor(lambda name: directory / f"process-{name}.json", on_restart=lambda *_: None)
    await s.start(Program("plain", Path("/bin/sh"), ("-c", "exec /bin/sleep 600"), directory / "plain.log"))
    await s.start(Program("deaf", Path("/bin/sh"), ("-c", "trap '' TERM; while :; do /bin/sleep 0.1; done"),
                          directory / "deaf.log"))
    print("started", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_children_of_a_killed_supervisor_end_and_survivors_are_found(tmp_path: Path) -> None:
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout is not None
    assert await supervisor.stdout.readline() == b"started\n"
    plain, deaf = (process.read(tmp_path / f"process-{name}.json") for name in ("plain", "deaf"))
    assert plain is not None
    assert deaf is not None
    # The shell needs a moment to set its trap.
    await until(lambda: _ignores_term(deaf.pid), "the trap is set")
    supervisor.kill()
    await supervisor.wait()
    await until(lambda: not process.is_alive(plain), "the plain child ends with its supervisor")
    assert process.is_alive(deaf)
    assert await supervise.end_survivors(tmp_path, seconds=0.3) == (f"deaf (pid {deaf.pid})",)
    assert not process.is_alive(deaf)
    assert list(tmp_path.glob("process-*.json")) == []


def _ignores_term(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(mask.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


async def test_a_reused_pid_is_left_alone(tmp_path: Path) -> None:
    me = process.identify(os.getpid())
    assert me is not None
    for change in (
        {"start_time": me.start_time - 1},
        {"executable": "/usr/bin/etcd"},
        {"boot_id": "another"},
    ):
        (tmp_path / "process-x.json").write_text(process.encode(replace(me, **change)))
        assert await supervise.end_survivors(tmp_path, seconds=0.1) == ()
    (tmp_path / "process-x.json").write_text("{damaged")
    assert await supervise.end_survivors(tmp_path) == ()


def test_delay_is_short_at_first_and_bounded() -> None:
    assert [supervise.delay(n) for n in (1, 2, 3, 4)] == [0.0, 0.25, 0.5, 1.0]
    assert supervise.delay(40) == 30.0


def test_a_log_that_grew_is_moved_and_stays_the_same_file(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("x" * 100)
    inode = log.stat().st_ino
    supervise.trim(log, limit=1000)
    assert log.stat().st_size == 100
    supervise.trim(log, limit=99)
    assert (log.stat().st_size, log.stat().st_ino) == (0, inode)
    assert (tmp_path / "a.log.1").stat().st_size == 100
