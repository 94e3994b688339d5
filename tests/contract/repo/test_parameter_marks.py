"""The mark «parameter» names fields that exist, so that the page made of it says what is true."""

from __future__ import annotations

from tools import parameters, results


def test_every_marked_field_exists() -> None:
    known = [path for path, _ in parameters.rows()]
    assert "spec.onPremises.network.podCIDR" in known and "Machine:spec.nic" in known

    def exists(field: str) -> bool:
        return any(path == field or path.startswith((f"{field}.", f"{field}[")) for path in known)

    proofs = parameters.proofs()
    assert len(proofs) > 40
    unknown = {
        f"{proof.file}::{proof.name}": sorted(f for f in proof.fields | proof.changed if not exists(f))
        for proof in proofs
    }
    assert {test: fields for test, fields in unknown.items() if fields} == {}


def test_no_cell_of_the_page_is_empty() -> None:
    """Every field has a test of its rules and a proof of its effect; what can be changed is changed by a test."""
    given, outcomes = parameters.proofs(), results.results()
    empty: list[str] = []
    for path, row in parameters.rows():
        rules, effects, change = parameters.cells(path, given, outcomes, 0)
        wanted = {"rules": rules, "effect": effects, **({"change": change} if row.frozen is None else {})}
        empty += [f"{path}: {name}" for name, cell in wanted.items() if cell == parameters.WORDS["none"][0]]
    assert empty == []
