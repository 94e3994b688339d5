"""`roost import --dry-run` on a real API server: every check, and what stands in the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from roost.api import conditions as c
from roost.cli import import_ as cli
from roost.kube import guarded
from tests.contract.imported.conftest import POLICY, Target

pytestmark = pytest.mark.programs


def run(target: Target, tmp_path: Path, *arguments: str, user: str = "admin") -> Result:
    (tmp_path / "ca.pem").write_bytes(target.server.ca.read_bytes())
    words = [
        "theirs",
        "--server",
        target.server.url,
        "--ca",
        str(tmp_path / "ca.pem"),
        "--token-file",
        "-",
        "--dry-run",
    ]
    return CliRunner().invoke(
        cli.command,
        [*words, *arguments],
        input=target.server.tokens[user] + "\n",
        env={"ROOST_DATA_DIR": str(tmp_path / "none"), "LANG": "C"},
    )


def test_all_checks_are_shown_and_nothing_is_changed(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "Policy", lambda: POLICY)
    before = target.everything()
    done = run(target, tmp_path, "-o", "json")
    assert done.exit_code == 0, done.output
    found = {one["type"]: one["status"] for one in json.loads(done.stdout)}
    assert found == dict.fromkeys([kind for kind in c.IMPORT_CHECKS if kind != c.ADOPTED], "True")
    assert target.server.tokens["admin"] not in done.output
    assert target.everything() == before
    refused = run(target, tmp_path, user="alice")
    assert refused.exit_code == 1
    assert "RightsMissing" in refused.stdout and "can't be imported" in refused.stderr


def test_loopback_is_refused(target: Target, tmp_path: Path) -> None:
    done = run(target, tmp_path, "-o", "name")
    assert (done.exit_code, done.stdout) == (1, "AddressAllowed\n")


def test_one_credential_is_needed(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        cli.command, ["theirs", "--dry-run"], env={"ROOST_DATA_DIR": str(tmp_path), "LANG": "C"}
    )
    assert done.exit_code == 2 and "--kubeconfig" in done.output
