"""Metrics of the controllers: Kubernetes' names, Prometheus' format, on loopback alone."""

from __future__ import annotations

import asyncio
import socket
import urllib.request
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from roost.controllers import metrics
from roost.controllers.metrics import Sources
from roost.controllers.runtime.queue import BUCKETS, Counts, Queue

pytestmark = pytest.mark.anyio


def test_buckets_are_cumulated() -> None:
    counts = Counts()
    for seconds in (0.0005, 0.5, 0.5, 5.0, 99999.0):
        counts.ran(seconds)
    found = dict(metrics.buckets(counts.runs))
    assert len(found) == len(BUCKETS) + 1
    assert (found["0.001"], found["1.0"], found["10.0"], found["+Inf"]) == (1, 3, 4, 5)


async def test_a_queue_counts_what_it_does() -> None:
    async def work(key: str) -> float | None:
        if key == "bad":
            raise RuntimeError("bad")
        await asyncio.sleep(1)
        return None

    queue: Queue[str] = Queue("work", work, jitter=lambda: 0.5, delay=lambda _e, _n: 1000.0)
    task = asyncio.create_task(queue.run())
    for key in ("a", "b", "bad"):
        queue.add(key)
    await asyncio.sleep(0.5)
    now = asyncio.get_running_loop().time()
    assert queue.unfinished(now) == [0.5, 0.5] and queue.waiting(now) == 0
    assert queue.waiting(now + 2000) == 1, "the one that failed waits for its turn"
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (queue.counts.adds, queue.counts.retries, sum(queue.counts.runs)) == (3, 1, 3)
    assert queue.counts.seconds == pytest.approx(2.0)


def test_they_are_served_in_prometheus_format(unused: int) -> None:
    async def work(_key: str) -> None:
        return None

    queue: Queue[str] = Queue("work", work)
    queue.counts.adds = 7
    sources = Sources(
        queues=lambda: [queue],
        answers=lambda: Counter({("GET", "200"): 3, ("PATCH", "409"): 1}),
        host="127.0.0.1:7443",
        leading=lambda: True,
        phases=lambda: Counter({("imported", "Running"): 2}),
    )
    stop = metrics.serve(sources, unused)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{unused}/metrics", timeout=5) as response:
            text = response.read().decode()
    finally:
        stop()
    samples = {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }
    assert samples["workqueue_adds_total", (("name", "work"),)] == 7
    code = (("code", "409"), ("host", "127.0.0.1:7443"), ("method", "PATCH"))
    assert samples["rest_client_requests_total", code] == 1
    assert samples["leader_election_master_status", (("name", "roost-controllers"),)] == 1
    assert samples["roost_clusters", (("phase", "Running"), ("way", "imported"))] == 2
    assert any(name == "process_resident_memory_bytes" for name, _ in samples)


@pytest.fixture
def unused() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
