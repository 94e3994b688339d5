"""What the fleet's benchmark computes from its runs."""

from __future__ import annotations

from bench import words
from bench.fleet import Found, figures


def test_the_fakes_do_not_count_as_the_platform() -> None:
    found = Found(
        settled=100.0,
        bytes_each=12_000.0,
        lags=[[float(number) for number in range(100)]],
        memory=[{"gateway": 300e6, "etcd": 200e6}],
        busy=[{"gateway": 0.5, "etcd": 0.1}],
        fakes=[{"memory": 900e6, "busy": 0.4}],
    )
    made = {(each.key, each.part): each.own.values for each in figures(found)}
    assert made["fleet.lag-p50", ""] == (50.0,) and made["fleet.lag-p99", ""] == (99.0,)
    assert made["fleet.memory-all", ""] == (500e6,) and made["fleet.busy-all", ""] == (60.0,)
    assert made["fleet.memory", "etcd"] == (200e6,) and made["fleet.fakes-memory", ""] == (900e6,)
    assert {key for key, _ in made} <= set(words.LABELS)
