"""The shape of an object: pydantic's findings with camelCase paths and words for people, and did-you-mean.

Called by judge.py and documents.py before any rule that looks at values.
"""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar, cast, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from roost.api.markers import Says
from roost.api.translations import translation
from roost.api.validation.findings import FieldError, error
from roost.api.validation.texts import Term

M = TypeVar("M", bound=BaseModel)

_TYPES: Final = {
    "string_type": Term("text", "文本"),
    "int_type": Term("a whole number", "整数"),
    "int_parsing": Term("a whole number", "整数"),
    "int_from_float": Term("a whole number", "整数"),
    "bool_type": Term("true or false", " true 或 false "),
    "bool_parsing": Term("true or false", " true 或 false "),
    "dict_type": Term("fields with values", "字段和值"),
    "model_type": Term("an object with fields", "带字段的对象"),
    "model_attributes_type": Term("an object with fields", "带字段的对象"),
    "list_type": Term("a list", "列表"),
    "datetime_parsing": Term("a time such as 2026-01-31T12:00:00Z", "时间，例如 2026-01-31T12:00:00Z "),
    "datetime_type": Term("a time such as 2026-01-31T12:00:00Z", "时间，例如 2026-01-31T12:00:00Z "),
}


def check_shape(model: type[M], value: object, path: str) -> tuple[M | None, list[FieldError]]:
    """The parsed model and what is wrong with `value`, which stands at `path`.

    Fields that can be left out don't hinder the parsing, so that rules go on and one look shows all
    errors; what the rules then say about these very fields is worth nothing.
    """
    try:
        # Strict, as the API server is: «1» is no number and 1 no text.
        return model.model_validate_json(_json(value), strict=True), []
    except ValidationError as found:
        details = found.errors(include_url=False)
    errors = [_translated(model, detail, path) for detail in details]
    if any(detail["type"] == "missing" or not detail["loc"] for detail in details):
        return None, errors
    return parsed(model, _without(value, [detail["loc"] for detail in details])), errors


def _without(value: object, wrong: list[tuple[int | str, ...]]) -> object:
    copied = cast("Any", copy.deepcopy(value))
    for steps in wrong:
        at = copied
        for step in steps[:-1]:
            at = at.get(step) if isinstance(at, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        # An entry of a list stays: taking it out would move the others. The parsing fails then.
        if isinstance(at, dict):
            at.pop(steps[-1], None)  # pyright: ignore[reportUnknownMemberType]
    return copied


def parsed(model: type[M], value: object) -> M | None:
    """The model, or None where the stored object is not what this release expects."""
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def like(given: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    by_lower = {word.lower(): word for word in known}
    close = difflib.get_close_matches(given.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


_ANY: Final = TypeAdapter[Any](Any)


def _json(value: object) -> bytes:
    return _ANY.dump_json(value)


def join(path: str, *steps: str | int) -> str:
    """`spec` and (`a`, 0, `b.c`) become spec.a[0].b.c; keys of maps that need it stand in brackets."""
    for step in steps:
        if isinstance(step, int) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", step):
            path += f"[{step}]"
        else:
            path = f"{path}.{step}" if path else step
    return path


def _translated(model: type[BaseModel], detail: ErrorDetails, base: str) -> FieldError:
    # A choice (`X | None`, a map's key) puts its own mark into the location; fields alone are wanted.
    steps = [step for step in detail["loc"] if step != "[key]"]
    path = join(base, *steps)
    given = detail["input"]
    context = cast("Mapping[str, Any]", detail.get("ctx", {}))
    match detail["type"]:
        case "missing":
            return error("shape.required", path, "FieldValueRequired")
        case "extra_forbidden":
            known = _fields_at(model, steps[:-1])
            guess = like(str(steps[-1]), known)
            if guess:
                return error("shape.unknown.like", path, like=guess)
            return error("shape.unknown", path, known=", ".join(known))
        case "enum" | "literal_error":
            allowed = [
                word.strip().strip("'") for word in re.split(r",| or ", str(context["expected"])) if word.strip()
            ]
            guess = like(str(given), allowed)
            if guess:
                return error(
                    "shape.enum.like", path, "FieldValueNotSupported", allowed=", ".join(allowed), like=guess
                )
            return error(
                "shape.enum", path, "FieldValueNotSupported", allowed=", ".join(allowed), given=_shown(given)
            )
        case "string_too_long" | "too_long":
            return error("shape.long", path, "FieldValueTooLong", limit=context["max_length"])
        case "string_too_short" | "too_short":
            return error("shape.short", path, limit=context["min_length"])
        case "string_pattern_mismatch":
            says = _says_at(model, steps)
            words = Term(says.words, translation(f"says.{says.key}") or says.words) if says else context["pattern"]
            return error("shape.pattern", path, given=_shown(given), words=words)
        case "greater_than_equal":
            return error("shape.minimum", path, limit=context["ge"], given=_shown(given))
        case "less_than_equal":
            return error("shape.maximum", path, limit=context["le"], given=_shown(given))
        case kind if kind in _TYPES:
            return error("shape.type", path, wanted=_TYPES[kind], given=_shown(given))
        case _:
            return error("shape.other", path, words=detail["msg"])


def _shown(value: object) -> str:
    """A value as its owner would write it, short; a container is named by its kind."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return value if len(value) <= 60 else f"{value[:57]}…"
        case None:
            return "null"
        case dict():
            return "{…}"
        case list():
            return "[…]"
        case _:
            return str(value)


def _field(model: type[BaseModel], alias: str) -> tuple[type[BaseModel] | None, list[object]]:
    """The model behind a field (through optional and list) and the field's marks, by its name in YAML."""
    for info in model.model_fields.values():
        if info.alias == alias:
            inner = _models_in(info.annotation)
            return (inner[0] if inner else None), [*info.metadata, *_marks_in(info.annotation)]
    return None, []


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _marks_in(annotation: object) -> list[object]:
    found: list[object] = list(getattr(annotation, "__metadata__", ()))
    for argument in get_args(annotation):
        found += _marks_in(argument)
    return found


def _fields_at(model: type[BaseModel], steps: list[str | int]) -> list[str]:
    at: type[BaseModel] | None = model
    for step in steps:
        if isinstance(step, str) and at is not None:
            at = _field(at, step)[0]
    return [] if at is None else [info.alias or name for name, info in at.model_fields.items()]


def _says_at(model: type[BaseModel], steps: list[str | int]) -> Says | None:
    at: type[BaseModel] | None = model
    marks: list[object] = []
    for step in steps:
        if isinstance(step, str) and at is not None:
            at, marks = _field(at, step)
    return next((mark for mark in marks if isinstance(mark, Says)), None)
