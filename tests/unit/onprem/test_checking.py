"""What a MachineCheck finds: preflight's own checks, with and without a cluster to compare with."""

from __future__ import annotations

from dataclasses import replace

from roost.providers.onprem.checking import facts_of, findings
from roost.providers.onprem.preflight.look import Found
from roost.providers.onprem.preflight.report import errors
from tests.unit.onprem import made

ASKED = made.machine("q", "10.200.0.12")


def found() -> Found:
    return made.found("q", "10.200.0.12")


def test_a_good_machine_has_no_errors() -> None:
    assert errors(findings(ASKED, found(), None, ["amd64"])) == []
    assert errors(findings(ASKED, found(), made.spec(), ["amd64"])) == []


def test_what_stands_in_the_way_is_named_as_in_preflight() -> None:
    seen = found()
    small = replace(seen, node=replace(seen.node, memory=100 * 1024 * 1024))
    wrong = errors(findings(ASKED, small, None, ["amd64"]))
    assert wrong and wrong[0].machine == "q" and wrong[0].remedy


def test_an_address_that_is_not_there_is_found_once_a_cluster_is_named() -> None:
    elsewhere = made.machine("q", "10.200.0.99")
    assert errors(findings(elsewhere, found(), None, ["amd64"])) == []
    assert errors(findings(elsewhere, found(), made.spec(), ["amd64"])) != []


def test_another_architecture_than_the_bundles_have() -> None:
    assert errors(findings(ASKED, found(), None, ["s390x"])) != []
    assert errors(findings(ASKED, found(), None, [])) == []


def test_facts() -> None:
    facts = facts_of(found())
    assert (facts.hostname, facts.architecture) == ("q", "amd64")
