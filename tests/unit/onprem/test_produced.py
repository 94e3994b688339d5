"""kubeadm's work as a thing: the guard and the script, run by a local shell."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from roost.providers.onprem.kubeadm.produced import Produced


@pytest.fixture
def made() -> Produced:
    return Produced("files", "wish", ("/out/a", "/out/b"), followed=True)


def state(made: Produced, root: Path) -> str:
    script = f'R={root}\nfield() {{ echo "$2"; }}\n{made.guard("id")}'
    return subprocess.run(["/bin/sh", "-euc", script], capture_output=True, text=True, check=True).stdout.strip()


def run(made: Produced, root: Path, work: str) -> int:
    script = f"R={root}\n{made.script('id', work)}"
    return subprocess.run(["/bin/sh", "-euc", script], check=False).returncode


WRITE = 'mkdir -p "$R/out"; echo one > "$R/out/a"; echo two > "$R/out/b"'


def test_done_only_after_the_work_and_while_nothing_changes(made: Produced, tmp_path: Path) -> None:
    assert state(made, tmp_path) == "needed"
    assert run(made, tmp_path, WRITE) == 0
    assert state(made, tmp_path) == "done"
    (tmp_path / "out/a").write_text("changed by somebody")
    assert state(made, tmp_path) == "needed"


def test_a_lost_output_is_made_again(made: Produced, tmp_path: Path) -> None:
    run(made, tmp_path, WRITE)
    (tmp_path / "out/b").unlink()
    assert state(made, tmp_path) == "needed"


def test_a_change_that_is_not_followed_is_left_alone(made: Produced, tmp_path: Path) -> None:
    calm = replace(made, followed=False)
    run(calm, tmp_path, WRITE)
    (tmp_path / "out/a").write_text("renewed by its owner")
    assert state(calm, tmp_path) == "done"


def test_another_wish_is_made_again_and_what_stands_in_its_way_goes(made: Produced, tmp_path: Path) -> None:
    run(made, tmp_path, WRITE)
    other = replace(made, wish="another", clear=("/out/a",))
    assert state(other, tmp_path) == "needed"
    assert run(other, tmp_path, '[ ! -e "$R/out/a" ]; [ -e "$R/out/b" ]; echo new > "$R/out/a"') == 0
    assert state(other, tmp_path) == "done"
    assert state(made, tmp_path) == "needed"


def test_work_that_is_cut_off_is_not_done(made: Produced, tmp_path: Path) -> None:
    assert run(made, tmp_path, f"{WRITE}; exit 7") == 7
    assert state(made, tmp_path) == "needed"


def test_a_further_condition_counts(made: Produced, tmp_path: Path) -> None:
    run(made, tmp_path, WRITE)
    assert state(replace(made, also="false"), tmp_path) == "needed"
