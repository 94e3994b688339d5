"""Scripts reach sh whole, and the payload after them untouched."""

from __future__ import annotations

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from roost.ssh.framing import LOADER, exec_line, frame, process_group


def run(script: str, payload: bytes = b"", *, sudo_password: str | None = None) -> list[bytes]:
    done = subprocess.run(
        ["/bin/sh", "-c", LOADER],
        input=frame(script, sudo_password=sudo_password) + payload,
        capture_output=True,
        check=True,
    )
    return done.stdout.split(b"\n", 1)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=40000))
def test_the_payload_is_left_to_the_script(payload: bytes) -> None:
    first, rest = run("cat", payload)
    assert process_group(first.decode()) is not None
    assert rest == payload


def test_a_script_longer_than_any_read_ahead_is_whole() -> None:
    script = "\n".join(f": line {number}" for number in range(20000)) + "\ncat\n"
    assert run(script, b"payload")[1] == b"payload"


def test_a_password_that_sudo_left_unread_is_skipped() -> None:
    assert run("cat", b"x", sudo_password="not to be seen")[1] == b"x"


def test_the_command_line_holds_no_script() -> None:
    for elevation in ("root", "sudo", "sudo-password"):
        assert "secret" not in exec_line(elevation)
        assert exec_line(elevation).startswith("exec ")


def test_process_group_refuses_everything_else() -> None:
    assert process_group("@roost 123\n") == 123
    assert process_group("@roost 1\n") is None
    assert process_group("Welcome!\n") is None
