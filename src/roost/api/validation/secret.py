"""Rules for a Secret that a Machine names: whether it exists, its type, its keys. Never its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roost.api.validation.findings import Verdict, error
from roost.api.validation.texts import Term
from roost.api.validation.world import World


@dataclass(frozen=True)
class Wanted:
    """A type of Secret and the keys that it must have."""

    type: str
    keys: tuple[str, ...]


def check_secret(namespace: str, name: str, path: str, wanted: Sequence[Wanted], world: World) -> Verdict:
    """An absent Secret is an error only where nothing is still to come; objects arrive one by one."""
    found = world.secret(namespace, name)
    types = _either([one.type for one in wanted])
    if found is None:
        if world.secrets_complete:
            absent = error("secret.absent", path, "FieldValueNotFound", given=name, namespace=namespace, types=types)
            return Verdict([absent])
        key = "secret.absent.here" if world.complete else "secret.absent"
        return Verdict(notices=[error(key, path, "FieldValueNotFound", given=name, namespace=namespace, types=types)])
    right = next((one for one in wanted if one.type == found.type), None)
    if right is None:
        return Verdict([error("secret.type", path, given=name, type=found.type, types=types)])
    missing = [key for key in right.keys if key not in found.keys]
    return Verdict([error("secret.key", path, given=name, type=found.type, missing=key) for key in missing])


def _either(types: list[str]) -> Term:
    return Term(" or ".join(types), " 或 ".join(types))
