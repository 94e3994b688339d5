"""The mark «parameter» names fields that exist, so that the page made of it says what is true."""

from __future__ import annotations

from tools import parameters


def test_every_marked_field_exists() -> None:
    known = [path for path, _ in parameters.rows()]
    assert "spec.onPremises.network.podCIDR" in known and "Machine:spec.nic" in known

    def exists(field: str) -> bool:
        return any(path == field or path.startswith((f"{field}.", f"{field}[")) for path in known)

    proofs = parameters.proofs()
    assert len(proofs) > 40
    unknown = {f"{proof.file}::{proof.name}": sorted(f for f in proof.fields if not exists(f)) for proof in proofs}
    assert {test: fields for test, fields in unknown.items() if fields} == {}


def test_every_part_of_the_network_has_a_test_of_its_rules() -> None:
    tested = {field for proof in parameters.proofs() if proof.kind == "unit" for field in proof.fields}
    missing = [
        path for path, _ in parameters.rows() if path.startswith("spec.onPremises.network") and path not in tested
    ]
    assert missing == []
