"""Quantities, versions and sums of what a cluster tells of itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from roost.kube import observe


@pytest.mark.parametrize(
    ("text", "expected"),
    [("250m", "0.25"), ("2", "2"), ("1500Mi", str(1500 * 2**20)), ("16Gi", str(2**34)), ("1e3", "1000"),
     ("129e6", "129000000"), ("123456789n", "0.123456789"), ("5k", "5000"), ("", "0"), ("lots", "0"), ("1Zi", "0")],
)  # fmt: skip
def test_reads_quantities(text: str, expected: str) -> None:
    assert observe.quantity(text) == Decimal(expected)


@pytest.mark.parametrize(
    ("version", "known", "supported"),
    [("v1.31.4", (1, 31), True), ("1.31+", (1, 31), True), ("v1.30.2-eks-1234567", (1, 30), True),
     ("v1.28.9+rke2r1", (1, 28), True), ("v1.27.16", (1, 27), False), ("v1.32.0", (1, 32), False),
     ("2.0", (2, 0), False), ("", None, False), ("latest", None, False)],
)  # fmt: skip
def test_reads_versions_as_vendors_write_them(version: str, known: tuple[int, int] | None, supported: bool) -> None:
    assert observe.minor(version) == known
    assert observe.is_supported(version) is supported


def pod(phase: str, *cpu: str, init: str = "") -> dict[str, Any]:
    containers = [{"resources": {"requests": {"cpu": each, "memory": "64Mi"}}} for each in cpu]
    first = [{"resources": {"requests": {"cpu": init}}}] if init else []
    return {"status": {"phase": phase}, "spec": {"containers": containers, "initContainers": first}}


def test_adds_up_what_pods_ask_for() -> None:
    found = observe.requested(
        [pod("Running", "100m", "200m"), pod("Pending", "100m", init="1"), pod("Succeeded", "5")]
    )
    assert found == observe.Amounts(Decimal("1.3"), Decimal(3 * 64 * 2**20), 2)
    assert found.status() == {"cpu": "1300m", "memory": "192Mi", "pods": 2}


def test_a_node_without_numbers_counts_nothing() -> None:
    node = {"status": {"allocatable": {"cpu": "3920m", "memory": "7Gi", "pods": "110"}}}
    found = observe.allocatable([node, {}, node])
    assert found.status() == {"cpu": "7840m", "memory": f"{14 * 1024}Mi", "pods": 220}
