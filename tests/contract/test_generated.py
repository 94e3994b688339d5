"""Generated files are as the models say, complete in both languages; the models keep the rules of an API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from string import Formatter
from typing import Any

import yaml

from roost.api.crds import crd_manifests
from roost.api.registry import KINDS
from roost.api.schema import Schema, structural
from roost.api.translations import catalogue, texts
from tools import gen

MODELS = [kind.model for kind in KINDS]
CONDITIONED = ("Cluster", "Machine", "MachineCheck", "CloudCredential", "Project")


def test_files_are_as_generated() -> None:
    assert [str(path.relative_to(gen.ROOT)) for path in gen.differing()] == [], "run `make gen`"


def test_a_changed_file_is_noticed(monkeypatch: Any) -> None:
    first = next(iter(gen.outputs()))
    monkeypatch.setattr(gen, "outputs", lambda: {first: "other"})
    assert first in gen.differing()


def test_committed_crds_are_those_that_are_applied() -> None:
    files = [yaml.safe_load((gen.ROOT / f"deploy/crds/{kind.plural}.yaml").read_text()) for kind in KINDS]
    assert files == crd_manifests()


def test_every_text_has_chinese_words() -> None:
    english, chinese = texts(MODELS), catalogue()
    assert list(english) == [key for key in english if key in chinese], "missing in zh.json"
    assert [key for key in chinese if key not in english] == [], "left over in zh.json"
    for key, text in chinese.items():
        assert re.search(r"[\u4e00-\u9fff]", text), key
        names = [{name for _, name, _, _ in Formatter().parse(words)} for words in (english[key], text)]
        assert names[0] == names[1], key


def fields(schema: Schema, path: str) -> Iterator[tuple[str, str, Schema]]:
    """(path, name, schema) of every field below."""
    for name, body in schema.get("properties", {}).items():
        yield f"{path}.{name}", name, body
        yield from fields(body, f"{path}.{name}")
        if "items" in body:
            yield f"{path}.{name}[]", name, body["items"]
            yield from fields(body["items"], f"{path}.{name}[]")
        if "additionalProperties" in body:
            yield f"{path}.{name}{{}}", name, body["additionalProperties"]


def all_fields() -> Iterator[tuple[str, str, Schema]]:
    for model in MODELS:
        schema = structural(model)
        for part in ("spec", "status"):
            if part in schema["properties"]:
                yield from fields(schema["properties"][part], f"{model.__name__}.{part}")


def test_the_walk_finds_what_there_is() -> None:
    paths = {path for path, _, _ in all_fields()}
    assert "Cluster.spec.onPremises.network.podCIDR" in paths
    assert "Machine.status.conditions[].message" in paths
    assert len(paths) > 100


def test_names_are_camel_case() -> None:
    assert [path for path, name, _ in all_fields() if not re.fullmatch(r"[a-z][a-zA-Z0-9]*", name)] == []


def test_every_field_is_described() -> None:
    inside = re.compile(r"(\[\]|\{\})$")
    missing = [p for p, _, body in all_fields() if not inside.search(p) and not body.get("description")]
    assert missing == []


def test_no_floats() -> None:
    assert [path for path, _, body in all_fields() if body["type"] == "number"] == []


def test_texts_lists_and_maps_have_limits() -> None:
    limits = {"string": ("maxLength", "enum", "format"), "array": ("maxItems",)}
    missing = [
        path
        for path, _, body in all_fields()
        if body["type"] in limits and not any(key in body for key in limits[body["type"]])
    ]
    assert missing == []
    maps = [p for p, _, body in all_fields() if "additionalProperties" in body and "maxProperties" not in body]
    assert maps == []


def test_nothing_that_a_structural_schema_refuses() -> None:
    text = json.dumps([structural(model) for model in MODELS])
    for word in ("$ref", "anyOf", "oneOf", "allOf", "propertyNames", '"const"', "exclusiveM", '"title"'):
        assert word not in text, word


def test_conditions_are_a_map_by_type() -> None:
    found = {path: body for path, name, body in all_fields() if name == "conditions" and body["type"] == "array"}
    assert set(found) == {f"{kind}.status.conditions" for kind in CONDITIONED}
    for body in found.values():
        assert body["x-kubernetes-list-type"] == "map"
        assert body["x-kubernetes-list-map-keys"] == ["type"]
        assert {"type", "status", "reason", "lastTransitionTime"} <= set(body["items"]["required"])


def test_editor_schemas_refuse_unknown_fields_and_have_no_status() -> None:
    for kind in KINDS:
        schema = json.loads((gen.ROOT / f"deploy/schemas/{kind.singular}.json").read_text())
        assert "status" not in schema["properties"]
        assert schema["additionalProperties"] is False
        used = set(re.findall(r'"#/\$defs/([A-Za-z]+)"', json.dumps(schema)))
        assert used == set(schema.get("$defs", {}))
