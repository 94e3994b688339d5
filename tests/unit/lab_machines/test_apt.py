"""Another apt at work is waited for, not failed on."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from lab import apt

HOLD = """\
import fcntl, sys
with open(sys.argv[1], "w") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


def test_lists_that_another_process_holds_are_waited_for(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    words = [sys.executable, "-c", HOLD, str(lock)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        began = time.monotonic()
        apt.wait_for_lists(lock, patience=0.6)
        assert time.monotonic() - began >= 0.6
        assert holder.stdin is not None
        holder.stdin.close()
        holder.wait()
        apt.wait_for_lists(lock)
    assert lock.exists()


def test_without_lists_nothing_is_waited_for(tmp_path: Path) -> None:
    apt.wait_for_lists(tmp_path / "lock")
    assert not (tmp_path / "lock").exists()
