"""What the gateway's benchmark computes from its runs."""

from __future__ import annotations

from bench import words
from bench.gateway import WAYS, figures


def test_latency_is_what_is_added_to_the_same_run_without_a_gateway() -> None:
    runs = {
        "direct": [{"p50": 1.0, "p99": 2.0, "rate": 400e6}, {"p50": 3.0, "p99": 4.0, "rate": 300e6}],
        "gateway": [{"p50": 1.5, "p99": 2.5, "rate": 200e6}, {"p50": 2.0, "p99": 9.0, "rate": 100e6}],
        "tunnel": [{"p50": 2.0, "p99": 5.0, "rate": 100e6}, {"p50": 5.0, "p99": 6.0, "rate": 90e6}],
        "peer": [{"p50": 1.2, "p99": 2.2, "rate": 110e6}, {"p50": 3.2, "p99": 4.4, "rate": 120e6}],
    }
    assert set(runs) == set(WAYS)
    found = {each.key: each for each in figures(runs)}
    assert found["gateway.direct-p50"].own.values == (0.5, 0.0), "less than nothing is noise"
    assert found["gateway.tunnel-p50"].own.values == (1.0, 2.0)
    peer = found["gateway.tunnel-rate"].peer
    assert peer is not None and peer.values == (110e6, 120e6)
    for key in found:
        assert key in words.LABELS
