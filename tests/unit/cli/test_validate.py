"""`roost validate -f`: exit codes, lines, languages, machine-readable output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from roost.api.errors import RoostError
from roost.cli import platform_api
from roost.cli.new import cluster_file
from roost.cli.validate import command
from roost.embedded.layout import Layout

RIGHT = cluster_file(
    name="demo",
    namespace="default",
    version="1.31.4",
    control_plane="192.168.10.11",
    workers=("192.168.10.12",),
    user="root",
    key=None,
    file="demo.yaml",
)


def run(*arguments: str, text: str = "", language: str = "en", data_dir: str = "/nowhere") -> Result:
    environment = {"ROOST_LANG": language, "ROOST_DATA_DIR": data_dir}
    return CliRunner().invoke(command, list(arguments), input=text, env=environment)


def test_what_roost_new_writes_is_right() -> None:
    result = run("-f", "-", "--release", "1.31.4", text=RIGHT)
    assert result.exit_code == 0, result.output
    assert "4 documents are right" in result.stderr
    assert "room for 256 nodes" in result.stdout


def test_errors_carry_file_line_object_and_field(tmp_path: Path) -> None:
    file = tmp_path / "demo.yaml"
    file.write_text(RIGHT.replace("podCIDR: 10.16.0.0/16", "podCIDR: 10.16.0.1/16"))
    result = run("-f", str(file))
    assert result.exit_code == 1
    line = file.read_text().splitlines().index("kind: Cluster")
    expected = "Cluster default/demo: error: spec.onPremises.network.podCIDR: 10.16.0.1/16 has bits set"
    assert expected in result.stdout
    assert f"{file}:{line}: " in result.stdout
    assert "1 errors in 4 documents" in result.stderr


def test_chinese() -> None:
    result = run("-f", "-", text=RIGHT.replace("10.16.0.0/16", "10.16.0.1/16"), language="zh_CN.UTF-8")
    assert "网段应为 10.16.0.0/16" in result.stdout


def test_broken_yaml_has_a_line() -> None:
    result = run("-f", "-", text="a: 1\nb: [1, 2\nc: 3\n")
    assert result.exit_code == 1
    assert "line 3: this is not YAML" in result.stdout


@pytest.mark.parametrize("arguments", [(), ("-f", "/nowhere/x.yaml"), ("-f", "-")])
def test_wrong_usage_is_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_json() -> None:
    result = run("-f", "-", "-o", "json", text=RIGHT.replace("version: 1.31.4", "version: v1.31.4"))
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["valid"] is False
    errors = [error for document in answer["documents"] for error in document["errors"]]
    assert [error["field"] for error in errors] == ["spec.version"]
    assert "write 1.31.4" in errors[0]["message"]


def test_what_exists_already(tmp_path: Path) -> None:
    existing = tmp_path / "existing.yaml"
    existing.write_text(RIGHT)
    again = RIGHT.replace("demo", "second")
    result = run("-f", "-", "--with", str(existing), text=again)
    assert result.exit_code == 1
    assert "192.168.10.11 is already the address of Machine demo-control-plane-1 of Cluster demo" in result.stdout


class Running:
    """A platform that can install one version."""

    def __init__(self, _kubeconfig: Path) -> None:
        pass

    def get(self, path: str) -> dict[str, object]:
        assert path.endswith("/kubernetesreleases")
        return {"items": [{"metadata": {"name": "1.30.4"}}]}


class Silent(Running):
    def get(self, path: str) -> dict[str, object]:
        raise RoostError("PlatformUnreachable", "the API does not answer")


def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Running]) -> str:
    layout = Layout(tmp_path)
    layout.ready.parent.mkdir(parents=True)
    layout.ready.write_text("{}")
    monkeypatch.setattr(platform_api, "PlatformApi", kind)
    return str(tmp_path)


def test_a_running_platform_is_asked_what_it_can_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = platform(tmp_path, monkeypatch, Running)
    refused = run("-f", "-", text=RIGHT, data_dir=where)
    assert refused.exit_code == 1
    assert "1.30.4" in refused.stdout
    assert run("-f", "-", text=RIGHT.replace("1.31.4", "1.30.4"), data_dir=where).exit_code == 0
    assert run("-f", "-", "--release", "1.31.4", text=RIGHT, data_dir=where).exit_code == 0


def test_a_platform_that_does_not_answer_holds_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("-f", "-", text=RIGHT, data_dir=platform(tmp_path, monkeypatch, Silent))
    assert result.exit_code == 0
    assert "only form and range of versions are checked: the API does not answer" in result.stderr
