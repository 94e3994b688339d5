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

from roost.api.messages import condition_types, reasons
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


BETWEEN = re.compile(r"(?<![=-])>([^<>{}=;()]*[A-Za-z\u4e00-\u9fff]{2,}[^<>{}=;()]*)(?:<[/a-zA-Z]|\{)")
"""What stands between tags, or between a tag and a value."""
SPOKEN = re.compile(
    r"\b(?:aria-label|title|placeholder|label|alt|okText|cancelText|help|hint|lead)=(?:\"([^\"]+)\"|\{\"([^\"]+)\"\})"
)
"""Attributes that are read by people or read out to them."""
NAMES = {"YAML", "roost", "kubeconfig"}
EXAMPLES = re.compile(
    r"[\d.:, ]+|eth0|root|kubernetes|reserved|eu-central-1|infra, log|SHA256:…|https://10\.0\.0\.1:6443"
    r"|-----BEGIN CERTIFICATE-----"
    r"|api\.example\.com, 203\.0\.113\.7|node-role\.kubernetes\.io/infra|kubectl get nodes"
    r"|ip,role,user,port,password.*|roost bundle create 1\.31\.4|registry\.example\.com"
)
"""What is typed as it stands, in every language."""


def word_faults(english: dict[str, str], chinese: dict[str, str]) -> list[str]:
    """Keys of one language alone, and words that are empty."""
    apart = {plain(key) for key in english} ^ {plain(key) for key in chinese}
    empty = {key for found in (english, chinese) for key, text in found.items() if not text.strip()}
    return sorted(apart | empty)


def raw_text(source: str) -> list[str]:
    """Words in a component that come from no language's file. Pure."""
    found = [text.strip() for text in BETWEEN.findall(source)]
    found += [one or other for one, other in SPOKEN.findall(source)]
    # Types and keys of objects stand between such signs as well.
    code = re.compile(r"[\],|]\s*[\w\"]+:|string|void|Promise|unknown|elements, which|extends \w+|[&|] \w+")
    return [text for text in found if text not in NAMES and not EXAMPLES.fullmatch(text) and not code.match(text)]


def test_both_languages_have_the_same_keys_and_none_is_empty() -> None:
    assert word_faults(words("en"), words("zh")) == []


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
    """Text between tags and in attributes comes from the words; names and examples alone stand as they are."""
    found = [(name, text) for name, source in sources() if name.endswith(".tsx") for text in raw_text(source)]
    assert found == []


def test_chinese_stands_in_the_words_alone() -> None:
    """But for the button that names the other language, units of time, and columns that a spreadsheet may have."""
    fine = {"components/Brand.tsx", "time.ts", "form/paste.ts"}
    found = {
        name for name, source in sources() if not name.startswith("i18n/") and re.search(r"[\u4e00-\u9fff]", source)
    }
    assert found <= fine


def test_conditions_and_reasons_come_from_the_models() -> None:
    """No component has words of its own for them: both are generated, and complete in both languages."""
    known = {*condition_types(), *reasons()}
    assert all(all(text.strip() for text in one.title.values()) for one in condition_types().values())
    assert all(english.strip() and chinese.strip() for english, chinese in reasons().values())
    own = {key.split(".")[1] for key in words("en") if key.startswith(("reasons.", "conditions."))}
    assert own & known == set()


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


def form_faults(shown: set[str], left_out: set[str], schema: set[str]) -> list[str]:
    """Fields that are only in the schema, and neither shown nor left out; and fields that are only in the form."""
    missing = {
        path
        for path in schema - shown
        if not any(path == other or path.startswith((f"{other}.", f"{other}[")) for other in left_out)
    }
    return sorted(missing | (shown - schema))


@pytest.mark.parametrize("kind", ["Cluster", "Machine"])
def test_the_form_and_the_schema_have_the_same_fields(kind: str) -> None:
    cluster, machine, exceptions = form()
    shown = cluster if kind == "Cluster" else machine
    left_out = {path.removeprefix(f"{kind}.") for path in exceptions if path.startswith(f"{kind}.")}
    assert form_faults(shown, left_out, leaves(kind)) == []
    assert len(shown) > 15, "the list of fields was not read"
    assert left_out, "the exceptions were not read"
    assert all(len(reason) > 10 for reason in exceptions.values())


def test_every_field_of_the_list_is_drawn() -> None:
    """What stands in the list of fields stands in a component too, by its path."""
    cluster, machine, _ = form()
    drawn = "".join(text for name, text in sources() if name != "form/fields.ts")
    # Composed of a part and the rest, as the components do.
    for part, short in (
        ("spec.onPremises.controlPlaneEndpoint", "${ENDPOINT}"),
        ("spec.onPremises.network", "${NETWORK}"),
    ):
        drawn += drawn.replace(short, part)
    # Several fields that one control sets, such as a list of taints or a credential that is typed in.
    joint = re.compile(r"\.(namespace|name|key|value|effect)$|\[\]")
    for path in cluster | machine:
        if joint.search(path):
            path = re.sub(r"(\[\])?\.(namespace|name|key|value|effect)$", "", path)
        assert path in drawn or path.removeprefix("spec.").replace(".", "?.") in drawn or path[5:] in drawn, path


def test_these_checks_can_fail() -> None:
    """Each finds the fault that is put before it."""
    english = {"a.one": "One", "a.many_one": "{{count}}", "a.many_other": "{{count}}"}
    assert word_faults(english, {"a.one": "一", "a.many": "{{count}}"}) == []
    assert word_faults(english, {"a.one": " ", "a.many": "{{count}}"}) == ["a.one"]
    assert word_faults(english, {"a.one": "一"}) == ["a.many"]
    assert raw_text('<p className="quiet">Something was said</p>') == ["Something was said"]
    assert raw_text("<p>Nodes: {count}</p>") == ["Nodes:"]
    assert raw_text("<b>集群</b>") == ["集群"]
    assert raw_text('<input aria-label="Name of the machine" />') == ["Name of the machine"]
    assert raw_text('<Input placeholder={"Type here"} />') == ["Type here"]
    assert raw_text('<p>{t("common.copy")}</p><Input placeholder="eth0" />') == []
    assert form_faults({"spec.a"}, {"spec.b"}, {"spec.a", "spec.b.c"}) == []
    assert form_faults({"spec.a"}, set(), {"spec.a", "spec.new"}) == ["spec.new"]
    assert form_faults({"spec.a", "spec.gone"}, set(), {"spec.a"}) == ["spec.gone"]


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


def test_script_before_the_first_page_is_small() -> None:
    """What index.html asks for, and what that asks for at once: at most 250 KB compressed. `make bench-console` has
    what a browser really fetches."""
    built = CONSOLE.parent / "src/roost/gateway/static"
    if not (built / "index.html").exists():
        pytest.skip("tools/console.sh builds it")
    page = (built / "index.html").read_text("utf-8")
    waiting = set(re.findall(r'(?:src|href)="/console/([^"]+\.js)"', page))
    found: set[str] = set()
    while waiting - found:
        name = (waiting - found).pop()
        found.add(name)
        text = (built / name).read_text("utf-8")
        waiting |= {f"assets/{other}" for other in re.findall(r'(?:from|import)\s*"\./([^"]+\.js)"', text)}
    sizes = {name: (built / f"{name}.br" if (built / f"{name}.br").exists() else built / name) for name in found}
    assert any("assets/" in name for name in sizes)
    assert sum(path.stat().st_size for path in sizes.values()) <= 250_000
