"""What a trace tells of tasks, and figures with a limit in place of a peer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench import table
from bench.console_side import longest_task
from bench.figures import Benchmark, figure
from bench.platform import BenchError
from bench.results import decode, encode


def thread(pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": name}}


def task(pid: int, tid: int, microseconds: int, name: str = "ThreadControllerImpl::RunTask") -> dict[str, Any]:
    return {"ph": "X", "name": name, "pid": pid, "tid": tid, "dur": microseconds}


def trace(*events: dict[str, Any]) -> bytes:
    return json.dumps({"traceEvents": list(events)}).encode()


def test_the_longest_task_is_that_of_the_busiest_page() -> None:
    found = longest_task(
        trace(
            thread(1, 1, "CrRendererMain"),
            thread(2, 1, "CrRendererMain"),
            thread(1, 9, "Compositor"),
            task(1, 1, 12_000),
            task(1, 1, 48_500),
            task(1, 1, 90_000, "Layout"),
            task(1, 9, 200_000),
            task(2, 1, 55_000),
        )
    )
    assert found == 48.5


def test_a_trace_without_a_page_is_no_measurement() -> None:
    with pytest.raises(BenchError):
        longest_task(trace(thread(1, 1, "Compositor"), task(1, 1, 5)))


def test_a_limit_is_met_by_the_median_and_kept() -> None:
    good = figure("console.key", "ms", [40.0, 49.0, 80.0], limit=50.0)
    bad = figure("console.key", "ms", [51.0], limit=50.0)
    slow = figure("gateway.tunnel-rate", "bytes", [42e6], [41e6], least=100e6)
    assert (good.met, bad.met) == (True, False)
    assert table.cells(good, 0)[-1] == "≤ 50 ms, met"
    assert table.cells(bad, 1)[-1] == "≤ 50 ms，未达到"
    assert table.cells(slow, 0)[-1] == "≥ 100 MB, missed"
    whole = Benchmark("console", 3, "2026-01-01", 0.1, 2, (good, slow))
    assert decode("console", encode(whole)) == whole
