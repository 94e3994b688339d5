"""What a Machine tells of the things on it: what differs, and what drifted."""

from __future__ import annotations

from roost.api.v1alpha1.machine import Difference
from roost.controllers import things
from roost.controllers.runtime.api import Object

KEYS = ["file:/etc/a", "unit:kubelet.service"]
FILE = Difference(thing="file:/etc/a", action="Update", summary="its content differs")
UNIT = Difference(thing="unit:kubelet.service", action="Run", summary="it is not active")


def look(before: Object | None, *differing: Difference, wish: str | None = "w1", time: str = "t1") -> Object:
    return things.looked(before, KEYS, differing, wish=wish, time=time)


def made() -> Object:
    """A machine on which everything was made."""
    return things.kept(look(None, FILE, UNIT), {FILE.thing, UNIT.thing}, wish="w1")


def test_what_is_still_to_be_made_is_no_drift() -> None:
    first = look(None, FILE, UNIT)
    assert [one["thing"] for one in first["differing"]] == KEYS
    assert "drift" not in first and "wish" not in first
    half = things.kept(first, {FILE.thing}, wish="w1")
    assert [one["thing"] for one in half["differing"]] == [UNIT.thing]
    assert "wish" not in half
    assert made() == {"keys": KEYS, "differing": [], "wish": "w1"}


def test_what_differs_under_the_same_wish_drifted() -> None:
    found = look(made(), FILE, time="t2")
    assert found["drift"] == {
        "time": "t2",
        "differences": [{"thing": "file:/etc/a", "action": "Update", "summary": "its content differs"}],
    }
    assert things.drifted_anew(made(), found)
    repaired = things.kept(found, {FILE.thing}, wish="w1")
    assert repaired["differing"] == [] and repaired["drift"] == found["drift"]
    assert not things.drifted_anew(found, repaired)


def test_what_differs_under_another_wish_is_what_was_asked_for() -> None:
    found = look(made(), FILE, wish="w2")
    assert "drift" not in found and found["wish"] == "w1"
    assert things.kept(found, {FILE.thing}, wish="w2")["wish"] == "w2"
    assert look(made(), wish="w2")["wish"] == "w2"


def test_a_drift_that_waits_is_told_once() -> None:
    found = look(made(), FILE, time="t2")
    assert look(found, FILE, time="t3")["drift"]["time"] == "t2"
    assert look(found, FILE, UNIT, time="t3")["drift"]["time"] == "t3"


def test_a_look_without_a_wish_changes_no_verdict() -> None:
    found = look(made(), FILE, wish=None)
    assert found["wish"] == "w1" and "drift" not in found
