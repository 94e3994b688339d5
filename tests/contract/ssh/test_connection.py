"""What node/ relies on, held by the fake and by asyncssh with a real sshd alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sshd_server import Server

from roost.api.masked import MASK, Masked
from roost.ssh.asyncssh_connector import connect
from roost.ssh.connection import Command, Connection, Target
from roost.ssh.errors import CommandTimedOut, HostKeyChanged
from roost.ssh.fake import FakeMachine
from roost.ssh.keys import fingerprint

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["fake", "sshd"])
async def connection(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Connection]:
    if request.param == "fake":
        made: Connection = await FakeMachine(tmp_path).connect(Target("m1", "192.0.2.1"))
    else:
        made = await connect(sshd_target(request.getfixturevalue("server")))
    yield made
    await made.close()


def sshd_target(server: Server) -> Target:
    return Target("m1", "127.0.0.1", server.port, private_key=Masked(server.text("client")))


async def test_output_status_and_error_are_told_apart(connection: Connection) -> None:
    result = await connection.run(Command("t", "echo out; echo err >&2; exit 3"))
    assert (result.exit_status, result.stdout, result.stderr) == (3, "out\n", "err\n")


async def test_the_script_runs_as_root_in_the_c_locale(connection: Connection) -> None:
    assert (await connection.run(Command("t", 'id -u; echo "$LC_ALL"'))).stdout == "0\nC\n"


@pytest.mark.parametrize("payload", [b"", b"\x00\xff'\"$`\n\r\n", b"x" * 300_000])
async def test_the_payload_follows_the_script_byte_for_byte(connection: Connection, payload: bytes) -> None:
    import hashlib

    result = await connection.run(Command("t", "# a comment\nsha256sum\n"), payload=payload)
    assert result.stdout.split()[0] == hashlib.sha256(payload).hexdigest()


async def test_a_stream_of_any_size_is_never_whole_in_memory(connection: Connection) -> None:
    ahead = 0

    async def blocks() -> AsyncIterator[bytes]:
        nonlocal ahead
        for _ in range(64):
            ahead += 1
            yield b"x" * 1_000_000

    slow = "head -c 1000000 >/dev/null; echo first; sleep 0.5; echo second; cat | wc -c"
    ahead_when: dict[str, int] = {}

    def watch(line: str) -> None:
        ahead_when[line] = ahead

    result = await connection.run(Command("t", slow), payload=blocks(), on_line=watch)
    assert result.stdout.split()[-1] == "63000000"
    assert ahead_when["second"] < 20, "the machine read 1 MB and everything else waits in our memory"


async def test_a_command_may_end_before_it_has_read_its_payload(connection: Connection) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100_000

    assert (await connection.run(Command("t", "exit 4"), payload=endless())).exit_status == 4


async def test_a_payload_that_waits_for_ever_does_not_hold_up_the_end(connection: Connection) -> None:
    async def waiting() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    result = await connection.run(Command("t", "head -c 1; exit 75"), payload=waiting(), timeout=20)
    assert (result.exit_status, result.stdout) == (75, "x")


async def test_a_payload_that_fails_ends_the_command(connection: Connection) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise FileNotFoundError("no such blob")

    with pytest.raises(FileNotFoundError, match=r"no such blob"):
        await connection.run(Command("t", "cat >/dev/null; sleep 100"), payload=broken(), timeout=20)


async def test_lines_come_while_the_command_runs(connection: Connection) -> None:
    seen: list[tuple[str, float]] = []
    begin = time.monotonic()
    await connection.run(
        Command("t", "echo one; sleep 0.6; printf 'two\\nthree'"),
        on_line=lambda line: seen.append((line, time.monotonic() - begin)),
    )
    assert [line for line, _ in seen] == ["one", "two", "three"]
    assert seen[1][1] - seen[0][1] > 0.4


async def test_payload_and_lines_may_be_a_dialogue(connection: Connection) -> None:
    questions: asyncio.Queue[str] = asyncio.Queue()

    async def answers() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield f"{await questions.get()}!\n".encode()

    script = 'for n in 1 2 3; do echo "q$n"; read -r answer; echo "a$answer"; done'
    result = await connection.run(
        Command("t", script),
        payload=answers(),
        on_line=lambda line: questions.put_nowait(line) if line.startswith("q") else None,
    )
    assert result.stdout.split() == ["q1", "aq1!", "q2", "aq2!", "q3", "aq3!"]


async def test_secrets_are_stars_in_everything_that_is_kept(connection: Connection) -> None:
    lines: list[str] = []
    command = Command("t", "echo token=hunter-2; echo hunter-2 >&2", secrets=(Masked("hunter-2"),))
    result = await connection.run(command, on_line=lines.append)
    assert (result.stdout, result.stderr, lines) == (f"token={MASK}\n", f"{MASK}\n", [f"token={MASK}"])


async def test_nothing_of_a_script_is_in_the_process_list(connection: Connection) -> None:
    result = await connection.run(Command("t", "secret=hunter-2; cat /proc/*/cmdline 2>/dev/null | tr '\\0' ' '"))
    assert "hunter-2" not in result.stdout


async def test_a_timeout_ends_the_command_and_its_children(connection: Connection, tmp_path: Path) -> None:
    with pytest.raises(CommandTimedOut, match=r"m1.*wait long.*0.5 s"):
        await connection.run(Command("wait long", f"sh -c 'echo $$ >{tmp_path}/pid; sleep 100'; :"), timeout=0.5)
    await gone(tmp_path / "pid")


async def test_a_cancelled_task_leaves_no_shell_behind(connection: Connection, tmp_path: Path) -> None:
    script = f"sh -c 'echo $$ >{tmp_path}/pid; sleep 100'; :"
    task = asyncio.create_task(connection.run(Command("t", script)))
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(tmp_path / "pid")
    assert (await connection.run(Command("t", "echo still here"))).stdout == "still here\n"


async def gone(pid: Path) -> None:
    if not pid.exists():
        return  # Ended before it had begun.
    place = Path("/proc") / pid.read_text().strip()
    async with asyncio.timeout(10):
        while place.exists() and "\tZ" not in (place / "status").read_text().partition("State:")[2][:4]:
            await asyncio.sleep(0.05)


async def test_many_commands_at_once(connection: Connection) -> None:
    results = await asyncio.gather(*(connection.run(Command("t", f"sleep 0.05; echo {n}")) for n in range(20)))
    assert [result.stdout for result in results] == [f"{n}\n" for n in range(20)]


async def test_output_is_bounded(connection: Connection) -> None:
    result = await connection.run(Command("t", "head -c 20000000 /dev/zero | tr '\\0' x"))
    assert 16 * 1024 * 1024 <= len(result.stdout) < 17 * 1024 * 1024


async def test_the_host_key_is_told_in_known_hosts_form(connection: Connection) -> None:
    assert connection.host_key.startswith(("ssh-ed25519 AAAA", "ecdsa-", "ssh-rsa "))
    assert len(connection.host_key.split()) == 2


async def test_another_host_key_is_refused(tmp_path: Path, server: Server) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2H2ScnYn5+kRk6sHXqVLMK7kH9pGkvU8YVaPPVnZ5x"
    with pytest.raises(HostKeyChanged):
        await FakeMachine(tmp_path).connect(Target("m1", "192.0.2.1", host_keys=(other,)))
    with pytest.raises(HostKeyChanged, match=r"m1 .*spec.ssh.hostKeys") as caught:
        await connect(Target("m1", "127.0.0.1", server.port, password=Masked("hunter-2"), host_keys=(other,)))
    assert fingerprint(other) in str(caught.value)
    assert server.fingerprint("host_ed25519.pub") in str(caught.value)
