"""What a model says about its fields beyond their type, so that it stays the single source.

`Frozen` stands in the annotation of a field: from when on it can't be changed, why, and what to do
instead. Read by schema.py (CEL for what never changes), validation/frozen.py (the rest, which needs
the object's conditions) and tools/gen.py (the column «mutable» of the reference).
`Says` gives a pattern words. `cel` gives the part of a model's config that carries CEL rules into the CRD.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import CoreSchema

VALIDATIONS: Final = "x-kubernetes-validations"
PATTERN_MESSAGE: Final = "patternErrorMessage"
"""Editors know this key; in a CRD, pattern and words become one CEL rule."""


@dataclass(frozen=True)
class Frozen:
    """A field that can't be changed: never at all, or no more once a condition of its object is True."""

    key: str
    """Names the Chinese text in i18n/zh.json: `frozen.KEY`."""
    because: str
    """Why, and what to do instead; ends without a full stop."""
    after: str | None = None
    """Type of the condition; None: from the first moment on."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core_schema)
        if self.after is None:
            schema.setdefault(VALIDATIONS, []).append({"rule": "self == oldSelf", "message": self.because})
        return schema


@dataclass(frozen=True)
class Says:
    """What a person reads instead of the pattern of a string."""

    key: str
    """Names the Chinese text in i18n/zh.json: `says.KEY`."""
    words: str

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core_schema)
        schema[PATTERN_MESSAGE] = self.words
        return schema


def cel(*rules: tuple[str, str] | tuple[str, str, str]) -> dict[str, Any]:
    """CEL rules for `json_schema_extra`: (rule, message) or (rule, message, field path)."""
    entries: list[dict[str, Any]] = []
    for rule in rules:
        entry: dict[str, Any] = {"rule": rule[0], "message": rule[1]}
        if len(rule) == 3:
            entry["fieldPath"] = rule[2]
        entries.append(entry)
    return {VALIDATIONS: entries}


def frozen_of(model: type[BaseModel], field: str) -> Frozen | None:
    """The Frozen in a field's annotation. `field` is its Python name."""
    for item in model.model_fields[field].metadata:
        if isinstance(item, Frozen):
            return item
    return None
