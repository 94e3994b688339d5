"""What a change of an object means for the work in progress. Pure; called by the watch handlers (wiring)."""

from __future__ import annotations

from typing import Final

from roost.api.conditions import REGISTERED
from roost.api.names import FORCE_REMOVAL_ANNOTATION, RETRY_NOW_ANNOTATION
from roost.controllers.kinds import forced, items, spec
from roost.controllers.runtime.api import Object, annotation, deleting, generation, part

_FOR_PEOPLE: Final = frozenset({"displayName"})
"""Fields of spec that nothing is done for."""


def wants_a_look(old: Object | None, new: Object) -> bool:
    """Whether a Cluster or Machine changed in a way that somebody must look at; status is not."""
    if old is None:
        return True
    return (
        generation(old) != generation(new)
        or deleting(old) != deleting(new)
        or annotation(old, RETRY_NOW_ANNOTATION) != annotation(new, RETRY_NOW_ANNOTATION)
        or annotation(old, FORCE_REMOVAL_ANNOTATION) != annotation(new, FORCE_REMOVAL_ANNOTATION)
        or told_by_gateway(old) != told_by_gateway(new)
    )


def told_by_gateway(cluster: Object) -> list[tuple[str, str, str]]:
    """What a gateway says of a registered Cluster; the one part of a status that others act on."""
    if spec(cluster).get("registered") is None:
        return []
    conditions = items(part(cluster, "status").get("conditions"))
    return [(each["type"], each["status"], each["message"]) for each in conditions if each["type"] in REGISTERED]


def makes_work_pointless(old: Object | None, new: Object | None) -> bool:
    """Whether what runs for the Cluster now aims at a world that nobody wants any more.

    A Machine that appears does not: it is an addition, and waits for its turn. Nor does one that is gone:
    it was deleted first, and that was heard.
    """
    if old is None or new is None:
        return False
    return (
        deleting(old) != deleting(new)
        or annotation(old, RETRY_NOW_ANNOTATION) != annotation(new, RETRY_NOW_ANNOTATION)
        or acted_on(old) != acted_on(new)
    )


def forces_removal(old: Object | None, new: Object | None) -> bool:
    """Whether somebody has just allowed a machine to be let go as it is; what waits for it need wait no more."""
    if old is None or new is None:
        return False
    return forced(new) and not forced(old)


def acted_on(obj: Object) -> Object:
    """The part of spec that something is done for."""
    return {key: value for key, value in spec(obj).items() if key not in _FOR_PEOPLE}


def secret_changed(old: Object | None, new: Object | None) -> bool:
    """Whether the content of a Secret (as the cache keeps it) is another, or it came or went."""
    if old is None or new is None:
        return old is not new
    return (old.get("digest"), old.get("type")) != (new.get("digest"), new.get("type"))
