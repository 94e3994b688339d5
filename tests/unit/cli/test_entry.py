"""The command line itself: what starts without click, exit codes, help, completion, and kubectl's own arguments."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from roost import __version__
from roost.api.errors import PermanentFailure
from roost.cli import completion, entry, groups, kubectl, printing, status
from roost.cli.command_map import COMMANDS
from roost.embedded.layout import Layout
from roost.embedded.record import Record
from roost.embedded.status import ProcessStatus, Status, encode, exit_code


def roost(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    code = "import sys; from roost.cli.entry import run; sys.exit(run())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, env=plain | environment
    )


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOST_LANG", "en")


def test_version_imports_nothing_slow() -> None:
    code = (
        "import sys; sys.argv = ['roost', 'version']; from roost.cli.entry import run; run();"
        "slow = {'click', 'pydantic', 'lightkube', 'yaml', 'asyncio', 'json', 'typing', 're'} & set(sys.modules);"
        "sys.exit(str(slow) if slow else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"roost {__version__}\n"), done.stderr


def test_usage_errors_exit_with_2_and_help_a_typo() -> None:
    done = roost("clusterz")
    assert done.returncode == 2
    assert "Did you mean `roost clusters`?" in done.stderr
    assert roost("up", "--no-such-option").returncode == 2


def test_errors_exit_with_1_and_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = roost("up", "--data-dir", str(tmp_path / "file"))
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path / 'file'}")
    assert "--data-dir" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_every_command_without_importing_them() -> None:
    done = roost("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert "创建、接入" in roost("--help", ROOST_LANG="zh").stdout


@pytest.mark.parametrize("name", [n for n, (m, _) in COMMANDS.items() if importlib.util.find_spec(m)])
def test_every_command_has_a_click_object_with_help(name: str) -> None:
    command = importlib.import_module(COMMANDS[name][0]).command
    assert isinstance(command, click.Command)
    assert command.help


def test_roost_errors_become_exit_code_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def fails() -> None:
        raise PermanentFailure("PortTaken", "port 7443 is taken by nginx (pid 5); stop it")

    monkeypatch.setattr(groups.LazyGroup, "get_command", lambda *_: fails)
    assert groups.main(["up"]) == 1
    assert capsys.readouterr().err == "error: port 7443 is taken by nginx (pid 5); stop it (PortTaken)\n"


class TestCompletion:
    @pytest.mark.parametrize(
        ("shell", "words", "current", "expected"),
        [
            ("bash", "roost cl", "1", "plain,clusters\n"),
            ("zsh", "roost cl", "1", "plain\nclusters\n_\n"),
            ("fish", "roost", "cl", "plain,clusters\n"),
        ],
    )
    def test_names_are_completed_without_click(self, shell: str, words: str, current: str, expected: str) -> None:
        variables = {"_ROOST_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": current}
        assert completion.answer_command_name(variables, list(COMMANDS)) == expected

    @pytest.mark.parametrize(("words", "current"), [("roost clusters --", "2"), ("roost --he", "1")])
    def test_the_rest_is_clicks(self, words: str, current: str) -> None:
        variables = {"_ROOST_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": current}
        assert completion.answer_command_name(variables, list(COMMANDS)) is None

    def test_options_are_completed(self) -> None:
        done = roost(_ROOST_COMPLETE="bash_complete", COMP_WORDS="roost status --data", COMP_CWORD="2")
        assert "plain,--data-dir" in done.stdout

    @pytest.mark.parametrize("shell", completion.SHELLS)
    def test_scripts_are_printed(self, shell: str) -> None:
        # bash is asked for its version by click itself.
        assert "_ROOST_COMPLETE" in roost("completion", shell).stdout


class TestKubectl:
    @pytest.fixture
    def layout(self, tmp_path: Path) -> Layout:
        found = Layout(tmp_path)
        program = found.programs("1.31.4") / "kubectl"
        program.parent.mkdir(parents=True)
        program.write_text('#!/bin/sh\necho "$KUBECONFIG"\nprintf "%s|" "$@"\nexit 9\n')
        program.chmod(0o755)
        found.record.write_text(json.dumps({"kubernetesVersion": "1.31.4"}))
        return found

    def test_arguments_pass_untouched_and_the_exit_code_comes_back(self, layout: Layout) -> None:
        arguments = ["get", "--help", "-o", "jsonpath={.a b}", "--", "--data-dir", "--version", "*"]
        done = roost("kubectl", *arguments, ROOST_DATA_DIR=str(layout.root), KUBECONFIG="/other")
        assert done.stdout == f"{layout.admin_kubeconfig}\n" + "|".join(arguments) + "|"
        assert done.returncode == 9

    def test_without_a_platform_it_says_what_to_do(self, tmp_path: Path) -> None:
        done = roost("kubectl", "get", "nodes", ROOST_DATA_DIR=str(tmp_path))
        assert done.returncode == 1
        assert "roost up --detach" in done.stderr

    def test_a_missing_program_is_named(self, layout: Layout) -> None:
        (layout.programs("1.31.4") / "kubectl").unlink()
        program, problem = kubectl.find(layout)
        assert program is None
        assert "roost up --detach" in problem


class TestStatus:
    def make(self, **change: object) -> Status:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        values: dict[str, object] = {
            "state": "ready",
            "data_dir": Path("/data"),
            "record": Record("1.31.4", address="10.0.0.5"),
            "supervisor": 10,
            "processes": (ProcessStatus("etcd", 11, 42 * 1024**2, 7300.0),),
            "certificates": {"api": now.replace(year=2027), "etcd": now.replace(month=3)},
            "free_bytes": 5_000_000_000,
        }
        return Status(**(values | change))  # type: ignore[arg-type]

    def test_people_see_how_machines_get_images_and_what_ends_first(self, capsys: pytest.CaptureFixture[str]) -> None:
        status.show(self.make(), now=datetime(2026, 1, 1, tzinfo=UTC))
        shown = capsys.readouterr().out
        for part in ("10.0.0.5:7501", "the first (etcd) ends on 2026-03-01, in 59 days", "etcd", "42 MiB", "2h"):
            assert part in shown
        status.show(self.make(record=Record("1.31.4")), now=datetime(2026, 1, 1, tzinfo=UTC))
        assert "images travel over SSH" in capsys.readouterr().out

    def test_programs_get_stable_names(self) -> None:
        value = encode(self.make())
        assert (value["images"], value["registry"], value["server"]) == (
            "registry",
            "10.0.0.5:7501",
            "https://127.0.0.1:7443",
        )
        assert json.loads(json.dumps(value)) == value
        assert encode(self.make(record=Record("1.31.4")))["images"] == "ssh"

    def test_the_exit_code_tells_the_state(self) -> None:
        assert [exit_code(s) for s in ("ready", "stopped", "absent", "starting", "unhealthy")] == [0, 1, 1, 3, 3]

    def test_without_a_platform(self, tmp_path: Path) -> None:
        done = roost("status", "--data-dir", str(tmp_path))
        assert done.returncode == 1
        assert "roost up --detach" in done.stdout


def test_columns_are_padded_by_what_a_terminal_shows() -> None:
    assert printing.columns([["名称", "b"], ["abcdef", "c"]]) == ["名称    b", "abcdef  c"]


def test_a_closed_pipe_is_no_error() -> None:
    code = "import sys; sys.argv = ['roost', '--help']; from roost.cli.entry import run; sys.exit(run())"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        errors = child.stderr.read().decode()
    assert "Traceback" not in errors


def test_entry_gives_exit_codes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["roost", "--version"])
    assert entry.run() == 0
    assert capsys.readouterr().out == f"roost {__version__}\n"
