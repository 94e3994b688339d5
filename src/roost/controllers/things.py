"""What stands in `status.things` of a Machine: what roost keeps there, what differs, and what drifted. Pure.

Drift is told from a wish that changed by a mark of the wish: what differs although the mark is the one under which
everything was as wished is no longer as roost left it. Called by reporting.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, cast

from roost.api.v1alpha1.machine import Difference
from roost.controllers.runtime.api import Object, part

MOST_DRIFTED: Final = 64


def looked(
    before: Object | None, keys: Sequence[str], differing: Sequence[Difference], *, wish: str | None, time: str
) -> Object:
    """After a look. `wish`: mark of the present wish; None where nobody made one, as while machines are taken out."""
    old = before or {}
    told = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in differing]
    after: Object = {"keys": list(keys), "differing": told}
    known = old.get("wish")
    drift = old.get("drift")
    if told and known is not None and known == wish and not _is_told(old, told):
        drift = {"time": time, "differences": told[:MOST_DRIFTED]}
    if not told and wish is not None:
        known = wish
    return _with(after, known, drift)


def kept(before: Object, keys: Collection[str], *, wish: str | None) -> Object:
    """After an act that brought these to what is wished."""
    told = [one for one in _differing(before) if one["thing"] not in keys]
    known = wish if not told and wish is not None else before.get("wish")
    return _with({"keys": before.get("keys") or [], "differing": told}, known, before.get("drift"))


def drifted_anew(before: Object | None, after: Object) -> bool:
    return part(after, "drift") != part(before or {}, "drift")


def _is_told(old: Object, told: Sequence[Object]) -> bool:
    """The same drift that waits since an earlier look, such as while a plan waits for approval."""
    names = {one["thing"] for one in _differing(old)}
    return bool(names) and {one["thing"] for one in told} <= names


def _differing(things: Object) -> list[Object]:
    return cast("list[Object]", things.get("differing") or [])


def _with(after: Object, wish: object, drift: object) -> Object:
    if wish is not None:
        after["wish"] = wish
    if drift is not None:
        after["drift"] = drift
    return after
