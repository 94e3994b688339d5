"""The console says the same in both languages, and its creation form has every field of the schema.

Reads files alone: neither Node nor a browser is needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.console_types import fields

CONSOLE = Path(__file__).resolve().parents[2] / "console"
SOURCE = CONSOLE / "src"


def words(language: str) -> dict[str, str]:
    found: dict[str, str] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, f"{path}.{key}")
        else:
            found[path] = value

    for file in sorted((SOURCE / "i18n" / language).glob("*.json")):
        walk(json.loads(file.read_text("utf-8")), file.stem)
    return found


def plain(key: str) -> str:
    """English tells one from many; Chinese has one form for both."""
    return re.sub(r"_(one|other)$", "", key)


def sources() -> Iterator[tuple[str, str]]:
    for file in sorted(SOURCE.rglob("*.ts*")):
        if "generated" not in file.parts and ".test." not in file.name:
            yield file.relative_to(SOURCE).as_posix(), file.read_text("utf-8")


def test_both_languages_have_the_same_keys_and_none_is_empty() -> None:
    english, chinese = words("en"), words("zh")
    assert {plain(key) for key in english} == {plain(key) for key in chinese}
    assert [key for key, text in {**english, **chinese}.items() if not text.strip()] == []


def test_every_word_that_a_page_asks_for_is_there() -> None:
    known = {plain(key) for key in words("en")}
    asked = {
        (name, key)
        for name, text in sources()
        for key in re.findall(r'\bt\(\s*"([\w.-]+)"', text)
        if key not in known
    }
    assert asked == set()


def test_no_component_holds_raw_text() -> None:
    """Text between tags comes from the words; names of formats and products alone stand as they are."""
    fine = {"YAML", "roost"}
    found = [
        (name, text.strip())
        for name, source in sources()
        if name.endswith(".tsx")
        for text in re.findall(r">([^<>{}=;()]*[A-Za-z]{3,}[^<>{}=;()]*)</", source)
        if text.strip() not in fine and not text.strip().startswith("roost bundle")
    ]
    assert found == []


def form() -> tuple[set[str], set[str], dict[str, str]]:
    """Fields of the Cluster, of the Machine, and exceptions with their reasons, as form/fields.ts lists them."""
    text = (SOURCE / "form/fields.ts").read_text("utf-8")
    cluster = set(re.findall(r'\["(spec\.[\w.\[\]]+)", "\w+"\]', text))
    machine = set(re.findall(r'^  "(spec\.[\w.\[\]]+)",$', text, re.MULTILINE))
    exceptions = dict(re.findall(r'"((?:Cluster|Machine)\.spec[\w.\[\]]*)":\s+"([^"]+)"', text))
    return cluster, machine, exceptions


def leaves(kind: str) -> set[str]:
    """Paths in the schema that hold a value, without the groups that only hold others."""
    known = [path.removeprefix(f"{kind}.") for path in fields() if path.startswith(f"{kind}.spec.")]
    return {path for path in known if not any(other.startswith((f"{path}.", f"{path}[")) for other in known)}


@pytest.mark.parametrize("kind", ["Cluster", "Machine"])
def test_the_form_and_the_schema_have_the_same_fields(kind: str) -> None:
    cluster, machine, exceptions = form()
    shown = cluster if kind == "Cluster" else machine
    left_out = {path.removeprefix(f"{kind}.") for path in exceptions if path.startswith(f"{kind}.")}
    missing = {
        path
        for path in leaves(kind) - shown
        if not any(path == other or path.startswith((f"{other}.", f"{other}[")) for other in left_out)
    }
    assert missing == set(), "in the schema, and neither in the form nor among its exceptions"
    assert shown - leaves(kind) == set(), "in the form, and not in the schema"
    assert all(len(reason) > 10 for reason in exceptions.values())


def test_every_field_of_the_form_has_its_words() -> None:
    cluster, machine, _ = form()
    known = words("en")
    # linkedCluster is one choice of namespace and name; a credential's name follows from what is entered.
    own = {"monitoring_linkedCluster_namespace", "monitoring_linkedCluster_name"}
    for path in cluster:
        key = re.sub(r"^spec\.(onPremises\.)?", "", path).replace(".", "_")
        assert key in own or f"form.{key}" in known, path
    apart = {"spec.ssh.credential.name", "spec.ssh.proxy.credential.name"}
    for path in machine - apart:
        key = path.removeprefix("spec.").split("[")[0].replace(".", "_")
        assert f"machine.{key}" in known, path


def test_the_built_console_asks_nobody_else() -> None:
    """No address of another host in what a browser is given, but for names of XML spaces and of documents."""
    built = CONSOLE.parent / "src/roost/gateway/static"
    if not (built / "index.html").exists():
        pytest.skip("tools/console.sh builds it")
    page = (built / "index.html").read_text("utf-8")
    assert re.findall(r'(?:src|href)="(?!/console/)[^"]*"', page) == []
    assert "<style" not in page
    assert re.findall(r"<script(?![^>]*src=)", page) == []


def test_the_lock_names_no_registry() -> None:
    lock = (CONSOLE / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in lock
