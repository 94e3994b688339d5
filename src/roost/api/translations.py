"""The Chinese words of everything that the models say: i18n/zh.json, read once.

Keys: `kind.Cluster` (a kind's docstring), `field.ClusterSpec.version` (a field's description),
`frozen.KEY` and `says.KEY` (markers.py). `texts()` lists the keys with their English words, for
tools/gen.py and for the contract test that holds the file to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import get_args

from pydantic import BaseModel

from roost.api.markers import Frozen, Says


@cache
def catalogue() -> dict[str, str]:
    text = resources.files("roost.api").joinpath("i18n/zh.json").read_text(encoding="utf-8")
    words: dict[str, str] = json.loads(text)
    return words


def translation(key: str) -> str | None:
    """The Chinese words of a key, or None."""
    return catalogue().get(key)


def texts(kinds: list[type[BaseModel]]) -> dict[str, str]:
    """Every key that has to be translated for these kinds, with its English words, in the order of the models."""
    found: dict[str, str] = {}
    seen: set[type[BaseModel]] = set()
    for kind in kinds:
        found[f"kind.{kind.__name__}"] = description(kind)
        for key, english in _of_model(kind, seen):
            found.setdefault(key, english)
    return found


def description(model: type[BaseModel]) -> str:
    """A model's docstring as one line."""
    return " ".join((model.__doc__ or "").split())


def models_in(annotation: object) -> list[type[BaseModel]]:
    """The models that a field's annotation holds: through Optional, list and Annotated."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in models_in(argument)]


def _of_model(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[tuple[str, str]]:
    if model in seen or model.__name__ == "ObjectMeta":
        return
    seen.add(model)
    for name, info in model.model_fields.items():
        yield f"field.{model.__name__}.{info.alias or name}", info.description or ""
        for mark in [*info.metadata, *_marks(info.annotation)]:
            if isinstance(mark, Frozen):
                yield f"frozen.{mark.key}", mark.because
            elif isinstance(mark, Says):
                yield f"says.{mark.key}", mark.words
        for inner in models_in(info.annotation):
            yield from _of_model(inner, seen)


def _marks(annotation: object) -> list[object]:
    found: list[object] = list(getattr(annotation, "__metadata__", ()))
    for argument in get_args(annotation):
        found += _marks(argument)
    return found
