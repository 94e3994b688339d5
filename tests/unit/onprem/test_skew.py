"""A machine joins only a cluster whose API servers its version fits."""

from __future__ import annotations

import datetime

import pytest

from roost.providers.onprem.nodes import Node
from roost.providers.onprem.preflight import skew
from tests.unit.onprem import made

NOW = datetime.datetime.now(datetime.UTC)
PLANE = "node-role.kubernetes.io/control-plane"


def node(name: str, version: str, label: str = PLANE) -> Node:
    item = {"metadata": {"name": name, "labels": {label: ""} if label else {}}}
    return Node(name, True, "", version, frozenset(), NOW, item=item)


@pytest.mark.parametrize(
    ("servers", "plane", "worker"),
    [
        (("1.31.4",), True, True),
        (("1.32.1",), True, True),
        (("1.33.0",), False, True),
        (("1.34.0",), False, True),
        (("1.35.0",), False, False),
        (("1.30.4",), True, False),
        (("1.29.15",), False, False),
        (("1.30.4", "1.31.4"), True, False),
    ],
)
def test_versions_that_fit_together(servers: tuple[str, ...], plane: bool, worker: bool) -> None:
    """The cluster gives 1.31.4 to a machine that is added."""
    existing = [node(f"n{number}", version) for number, version in enumerate(servers)]
    existing.append(node("w", "1.20.0", label=""))
    assert (skew.check("1.31.4", [made.CP], existing) == []) is plane
    assert (skew.check("1.31.4", [made.W1], existing) == []) is worker


def test_the_range_is_named() -> None:
    (finding,) = skew.check("1.31.4", [made.W1], [node("n", "1.35.2", label="node-role.kubernetes.io/master")])
    assert finding.check == "VersionSkew" and not finding.warning
    assert "1.31.4 can't join as Worker: that takes 1.32 to 1.35 here" in finding.text
    assert "run 1.35" in finding.text


def test_nothing_is_said_where_there_is_no_cluster_yet() -> None:
    assert skew.check("1.31.4", [made.CP, made.W1], []) == []
