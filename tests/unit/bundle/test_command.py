"""`roost bundle` on bundles of a few bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from roost.bundle.model import Bundle
from roost.bundle.progress import Step
from roost.cli import bundle as cli
from tests.unit.bundle import made


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return made.bundle(tmp_path / "bundles" / "1.31.4", architectures=("amd64", "arm64"))


def _run(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.command, [*arguments], env={"ROOST_DATA_DIR": str(tmp_path), "LANG": "C"})


def test_lists_in_every_form(bundle: Bundle, tmp_path: Path) -> None:
    table = _run(tmp_path, "list").stdout.splitlines()
    assert table[1].split()[:3] == ["1.31.4", "amd64,", "arm64"]
    assert _run(tmp_path, "list", "-o", "name").stdout == "1.31.4\n"
    document = json.loads(_run(tmp_path, "list", "-o", "json").stdout)[0]
    assert document["digest"] == bundle.digest
    assert document["parts"]["arm64"] == ["machine", "platform"]
    assert yaml.safe_load(_run(tmp_path, "list", "-o", "yaml").stdout) == [document]


def test_an_empty_store_says_how_to_fill_it(tmp_path: Path) -> None:
    result = _run(tmp_path, "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "roost bundle create" in result.stderr


def test_a_broken_bundle_is_named_beside_the_others(bundle: Bundle, tmp_path: Path) -> None:
    made.bundle(tmp_path / "bundles" / "1.30.4", "1.30.4")
    (bundle.path / "index.json").write_text("{")
    result = _run(tmp_path, "list", "-o", "name")
    assert result.stdout == "1.30.4\n"
    assert "1.31.4" in result.stderr


def test_verify_names_damage_and_ends_with_1(bundle: Bundle, tmp_path: Path) -> None:
    assert _run(tmp_path, "verify").exit_code == 0
    program = bundle.program("kubelet", "arm64")
    bundle.blob(program.digest).write_bytes(b"kubelet 64arm")
    result = _run(tmp_path, "verify", "1.31.4")
    assert result.exit_code == 1
    assert f"{program.digest} (program kubelet 1.0.0 arm64): wrong digest" in result.stdout
    assert "--repair" in result.stdout
    damaged = json.loads(_run(tmp_path, "verify", "-o", "json").stdout)[0]["damaged"]
    assert [each["digest"] for each in damaged] == [program.digest]


def test_export_import_and_remove(bundle: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "x.tar"
    digest, _, name = _run(tmp_path, "export", "1.31.4", str(file)).stdout.strip().partition("  ")
    assert (len(digest), name) == (64, str(file))
    assert _run(tmp_path, "remove", "1.31.4").exit_code == 0
    assert _run(tmp_path, "import", str(file), "-o", "name").stdout == "1.31.4\n"


def test_wrong_usage_ends_with_2(tmp_path: Path) -> None:
    assert _run(tmp_path, "create").exit_code == 2
    assert _run(tmp_path, "create", "--kubernetes", "1.31.4", "--arch", "mips").exit_code == 2
    assert _run(tmp_path, "import", str(tmp_path / "none.tar")).exit_code == 2


def test_a_partial_architecture_says_which_part_it_has() -> None:
    parts = {"amd64": ("machine", "platform"), "arm64": ("machine",)}
    assert cli.architectures_in_words(parts) == "amd64, arm64 (machine)"


def test_plain_progress_is_one_line_for_each_item(capsys: pytest.CaptureFixture[str]) -> None:
    show = cli.plain_progress()
    for step in (
        Step("kubelet", 0, None, "running"),
        Step("kubelet", 10, 100, "running"),
        Step("kubelet", 100, 100, "done"),
        Step("waiting for another run", 0, None, "running"),
        Step("waiting for another run", 0, None, "running"),
    ):
        show(step)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[-1] for line in lines if "waiting" not in line] == ["kubelet", "MiB"]
    assert sum("waiting" in line for line in lines) == 1
