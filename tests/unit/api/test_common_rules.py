"""Fields that all ways share, and those of attached clusters: their shape, told in words."""

from __future__ import annotations

import pytest

from roost.api.validation.judge import validate
from roost.api.validation.world import MemoryWorld
from tests.unit.api.conftest import Json, edited
from tests.unit.api.test_changes import CASES, with_value

IMPORTED = "spec.imported"
REGISTERED = "spec.registered"
ENDPOINT = "spec.onPremises.controlPlaneEndpoint"


@pytest.mark.parameter(
    "spec.displayName",
    "spec.paused",
    "spec.approval",
    "spec.approvedPlan",
    f"{ENDPOINT}.externalAccess.port",
    f"{IMPORTED}.profile",
    f"{IMPORTED}.allowUnsupportedVersion",
    f"{IMPORTED}.takeover",
    f"{REGISTERED}.profile",
    f"{REGISTERED}.expectedUID",
    "Machine:spec.displayName",
)
@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("spec.displayName", "x" * 254, "at most 253"),
        ("spec.paused", "yes", "must be true or false, not yes"),
        ("spec.approval", "Manul", "did you mean Manual?"),
        ("spec.approvedPlan", "x" * 129, "at most 128"),
        (f"{ENDPOINT}.externalAccess.port", 0, "at least 1, not 0"),
        (f"{ENDPOINT}.externalAccess.port", 65536, "at most 65535"),
        (f"{IMPORTED}.profile", "Adm", "did you mean Admin?"),
        (f"{IMPORTED}.allowUnsupportedVersion", 1, "true or false"),
        (f"{IMPORTED}.takeover", "true", "true or false"),
        (f"{REGISTERED}.profile", "Root", "one of Observe, Operate, Admin, not Root"),
        (f"{REGISTERED}.expectedUID", "", "at least 1"),
        ("Machine:spec.displayName", "x" * 254, "at most 253"),
    ],
)
def test_shape(path: str, value: object, words: str) -> None:
    document, _ = CASES[path]
    verdict = validate(str(document["kind"]), with_value(document, path, value), None, MemoryWorld())
    told = {found.path: found.message for found in verdict.errors}
    assert words in told[path.removeprefix("Machine:")]


@pytest.mark.parameter("spec.displayName", "Machine:spec.displayName")
def test_a_name_for_people_has_any_characters(cluster: Json) -> None:
    named = edited(cluster, spec__displayName="商店 / shop 🛒")
    assert validate("Cluster", named, None, MemoryWorld()).errors == []
