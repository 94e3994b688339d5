"""Fields that can't be changed (any more): the models say which and since when (markers.Frozen).

What never changes is CEL in the CRD too; what freezes with a condition needs the object's status, which
a rule of the spec can't see, so it is judged here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast, get_args

from pydantic import BaseModel

from roost.api.markers import Frozen
from roost.api.messages import condition_title
from roost.api.translations import translation
from roost.api.validation.findings import FieldError, error
from roost.api.validation.shape import join
from roost.api.validation.texts import NOTHING, Term
from roost.api.validation.world import is_true

Json = Mapping[str, Any]


def check_frozen(model: type[BaseModel], old: Json, new: BaseModel, before: BaseModel | None) -> list[FieldError]:
    """`old` is the stored object with its status; `new` and `before` its spec now and then, parsed."""
    now = new.model_dump(mode="json", by_alias=True)
    then = before.model_dump(mode="json", by_alias=True) if before is not None else dict(old.get("spec") or {})
    errors: list[FieldError] = []
    for steps, frozen in frozen_fields(model):
        if frozen.after is not None and not is_true(old, frozen.after):
            continue
        if not _has(then, steps[:-1]) or not _has(now, steps[:-1]):
            # The whole branch came or went, which is another rule's business.
            continue
        since = NOTHING
        if frozen.after is not None:
            since = Term(f" any more ({frozen.after})", f"（{condition_title(frozen.after, 'zh')}）")
        because = Term(frozen.because, translation(f"frozen.{frozen.key}") or frozen.because)
        for path in differing(_at(then, steps), _at(now, steps), join("spec", *steps)):
            errors.append(error("frozen", path, "FieldValueForbidden", since=since, because=because))
    return errors


@cache
def frozen_fields(model: type[BaseModel]) -> tuple[tuple[tuple[str, ...], Frozen], ...]:
    """Path (in YAML's names) and mark of every frozen field below a model."""
    found: list[tuple[tuple[str, ...], Frozen]] = []
    for name, info in model.model_fields.items():
        alias = info.alias or name
        mark = next((item for item in info.metadata if isinstance(item, Frozen)), None)
        if mark is not None:
            found.append(((alias,), mark))
            continue
        for inner in _models(info.annotation):
            found += [((alias, *steps), below) for steps, below in frozen_fields(inner)]
    return tuple(found)


def differing(then: object, now: object, path: str) -> list[str]:
    """Paths of the leaves that differ."""
    if then == now:
        return []
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        before, after = cast("Json", then), cast("Json", now)
        keys = sorted({*before, *after})
        return [leaf for key in keys for leaf in differing(before.get(key), after.get(key), join(path, key))]
    return [path]


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


def _has(document: object, steps: tuple[str, ...]) -> bool:
    return isinstance(_at(document, steps), Mapping)


def _at(document: object, steps: tuple[str, ...]) -> object:
    for step in steps:
        if not isinstance(document, Mapping):
            return None
        document = cast("Json", document).get(step)
    return document
