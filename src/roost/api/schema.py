"""pydantic model → structural schema of a CRD, and → JSON Schema for editors.

A structural schema is a strict part of OpenAPI v3: no `$ref`, no `anyOf` with null, no
`additionalProperties: false`, no `propertyNames`. Used by crds.py (served by the API server, read by
`kubectl explain`) and tools/gen.py (the files under deploy/).
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from roost.api.markers import PATTERN_MESSAGE, VALIDATIONS

Schema = dict[str, Any]

_KEPT: Final = (
    "type",
    "description",
    "default",
    "enum",
    "format",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    VALIDATIONS,
)
_SIZES_OF_MAPS: Final = {"minLength": "minProperties", "maxLength": "maxProperties"}
INT32_MAX: Final = 2**31 - 1


class NotStructural(TypeError):
    """A model uses a type that a CRD can't say."""


def structural(model: type[BaseModel]) -> Schema:
    """The structural schema of a kind: metadata is the API server's own, conditions are a map keyed by type."""
    raw = model.model_json_schema(by_alias=True, mode="validation")
    schema = _Inliner(raw.get("$defs", {})).convert(raw, model.__name__)
    properties: Schema = schema["properties"]
    properties["apiVersion"] = {
        "type": "string",
        "description": "Version of the schema of this object; unknown values are refused.",
    }
    properties["kind"] = {"type": "string", "description": "The kind of this object, in CamelCase."}
    properties["metadata"] = {"type": "object"}
    if "spec" in schema.pop("required", []):
        schema["required"] = ["spec"]
    return schema


def editor_schema(model: type[BaseModel]) -> Schema:
    """JSON Schema (2020-12) of what a person writes: unknown fields are marked, status is left out."""
    schema = model.model_json_schema(by_alias=True, mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["properties"].pop("status", None)
    schema["required"] = ["apiVersion", "kind", "metadata", "spec"]
    used = _used_definitions(schema)
    schema["$defs"] = {name: body for name, body in schema.get("$defs", {}).items() if name in used}
    schema["$defs"]["ObjectMeta"] = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "Name of the object."},
            "namespace": {"type": "string", "description": "Namespace of the object."},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }
    cleaned = _without_titles(schema)
    assert isinstance(cleaned, dict)
    return cleaned  # pyright: ignore[reportUnknownVariableType]


class _Inliner:
    """Walks one JSON Schema with its definitions; `path` only serves messages."""

    def __init__(self, definitions: dict[str, Schema]) -> None:
        self._definitions = definitions

    def convert(self, raw: Schema, path: str) -> Schema:
        source = self._resolved(raw, path)
        result: Schema = {key: source[key] for key in _KEPT if key in source}
        if "const" in source:
            result.setdefault("enum", [source["const"]])
        if result.get("default", 0) is None:
            del result["default"]
        if PATTERN_MESSAGE in source:
            _say(result, source[PATTERN_MESSAGE])
        match source.get("type"):
            case "object":
                self._object(source, result, path)
            case "array":
                result["items"] = self.convert(source["items"], f"{path}[]")
            case "integer":
                result["format"] = "int32" if source.get("maximum", INT32_MAX + 1) <= INT32_MAX else "int64"
            case "string" | "boolean":
                pass
            case other:
                raise NotStructural(f"{path}: type {other} has no place in a structural schema")
        return result

    def _object(self, source: Schema, result: Schema, path: str) -> None:
        if source.get("properties"):
            result["properties"] = {
                name: self._property(name, body, f"{path}.{name}") for name, body in source["properties"].items()
            }
            if source.get("required"):
                result["required"] = list(source["required"])
        elif isinstance(source.get("additionalProperties"), dict):
            result["additionalProperties"] = self.convert(source["additionalProperties"], f"{path}{{}}")
            for size, of_map in _SIZES_OF_MAPS.items():
                if size in result:
                    result[of_map] = result.pop(size)

    def _property(self, name: str, body: Schema, path: str) -> Schema:
        schema = self.convert(body, path)
        if name == "conditions" and schema["type"] == "array":
            schema["x-kubernetes-list-type"] = "map"
            schema["x-kubernetes-list-map-keys"] = ["type"]
        return schema

    def _resolved(self, raw: Schema, path: str) -> Schema:
        """`raw` with its $ref inlined and its null alternative dropped; what stands beside them wins."""
        beside = {key: value for key, value in raw.items() if key not in {"$ref", "anyOf", "$defs"}}
        if "$ref" in raw:
            target = self._resolved(self._definitions[raw["$ref"].rpartition("/")[2]], path)
        elif "anyOf" in raw:
            alternatives = [item for item in raw["anyOf"] if item.get("type") != "null"]
            if len(alternatives) != 1:
                raise NotStructural(
                    f"{path}: a choice of {len(alternatives)} types has no place in a structural schema"
                )
            target = self._resolved(alternatives[0], path)
        else:
            return beside
        rules = [*target.get(VALIDATIONS, []), *beside.get(VALIDATIONS, [])]
        merged = {**target, **beside}
        if rules:
            merged[VALIDATIONS] = rules
        return merged


def _say(schema: Schema, words: str) -> None:
    """The pattern as a CEL rule, since the API server's own words for a pattern are the pattern."""
    pattern = schema.pop("pattern").replace("\\", "\\\\").replace("'", "\\'")
    rule = {"rule": f"self.matches('{pattern}')", "message": words}
    schema[VALIDATIONS] = [*schema.get(VALIDATIONS, []), rule]


def _used_definitions(schema: Schema) -> set[str]:
    used: set[str] = set()
    definitions: dict[str, Schema] = schema.get("$defs", {})

    def walk(node: object) -> None:
        if isinstance(node, dict):
            for key, value in node.items():  # pyright: ignore[reportUnknownVariableType]
                if key == "$ref" and isinstance(value, str):
                    name = value.rpartition("/")[2]
                    if name not in used:
                        used.add(name)
                        walk(definitions[name])
                elif key != "$defs":
                    walk(value)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(node, list):
            for item in node:  # pyright: ignore[reportUnknownVariableType]
                walk(item)  # pyright: ignore[reportUnknownArgumentType]

    walk(schema)
    return used


def _without_titles(node: Any) -> Any:
    """pydantic's titles are the field names once more; editors show them instead of the description."""
    if isinstance(node, dict):
        return {
            key: {name: _without_titles(body) for name, body in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            if key in {"properties", "$defs"}
            else _without_titles(value)
            for key, value in node.items()  # pyright: ignore[reportUnknownVariableType]
            if key not in {"title", VALIDATIONS} and not (key == "default" and value is None)
        }
    if isinstance(node, list):
        return [_without_titles(item) for item in node]  # pyright: ignore[reportUnknownVariableType]
    return node
