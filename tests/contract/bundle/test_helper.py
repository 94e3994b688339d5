"""roost-probe: its own tests, and that what is packed is built from the sources in this checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from roost.bundle.probe import DIRECTORY, probe_path
from tools import build_helper


def test_the_helpers_own_tests_pass() -> None:
    go = build_helper.find_go()
    assert go is not None, "no Go toolchain; install the dev group"
    environment = build_helper.go_environment()
    for verb in ("vet", "test"):
        ended = subprocess.run(
            [go, verb, "./..."], cwd=build_helper.SOURCE, env=environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("architecture", build_helper.ARCHITECTURES)
def test_the_packed_program_is_static_and_for_its_architecture(architecture: str) -> None:
    content = probe_path(architecture).read_bytes()
    machine = {"amd64": 62, "arm64": 183}[architecture]
    assert content[:4] == b"\x7fELF"
    assert int.from_bytes(content[18:20], "little") == machine
    assert b"/lib64/ld-linux" not in content
    assert str(Path(__file__).parents[3]).encode() not in content


def test_the_packed_program_is_of_these_sources() -> None:
    go = build_helper.find_go()
    assert go is not None
    version = subprocess.run(
        [go, "version"], env=build_helper.go_environment(), capture_output=True, text=True, check=True
    ).stdout.strip()
    built_from = (DIRECTORY / ".built-from").read_text()
    assert built_from == build_helper.source_hash(version), "run `make helper`"
