"""Metrics of the controllers' process in Prometheus' format, with the names that Kubernetes' own controllers use.

Served on loopback alone, at /metrics. Numbers are read when they are asked for; nothing is counted twice. Imported
and started by run once the controllers work, so that it costs their start nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from roost.controllers.runtime.queue import BUCKETS, Queue

ADDRESS: Final = "127.0.0.1"


@dataclass(frozen=True)
class Sources:
    """Where the numbers come from."""

    queues: Callable[[], Iterable[Queue[Any]]]
    answers: Callable[[], Counter[tuple[str, str]]]
    """Requests to the platform's API, by method and code."""
    host: str
    leading: Callable[[], bool]
    phases: Callable[[], Counter[tuple[str, str]]]
    """Clusters by the way they came to be and by phase."""
    clock: Callable[[], float] = time.monotonic
    """The event loop's, which is asked for in another thread."""


class ControllersCollector(Collector):
    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Any]:
        yield from self._queues()
        requests = CounterMetricFamily(
            "rest_client_requests", "Number of HTTP requests, by status code, method and host.",
            labels=("code", "method", "host"),
        )  # fmt: skip
        for (method, code), number in sorted(self._sources.answers().items()):
            requests.add_metric((code, method, self._sources.host), number)
        yield requests
        leading = GaugeMetricFamily(
            "leader_election_master_status", "Whether this process leads: 1 or 0.", labels=("name",)
        )
        leading.add_metric(("roost-controllers",), float(self._sources.leading()))
        yield leading
        clusters = GaugeMetricFamily(
            "roost_clusters", "Clusters, by the way they came to be and by phase.", labels=("way", "phase")
        )
        for (way, phase), number in sorted(self._sources.phases().items()):
            clusters.add_metric((way, phase), number)
        yield clusters

    def _queues(self) -> Iterator[Any]:
        name = ("name",)
        depth = GaugeMetricFamily("workqueue_depth", "Current depth of workqueue.", labels=name)
        adds = CounterMetricFamily("workqueue_adds", "Total number of adds handled by workqueue.", labels=name)
        retries = CounterMetricFamily(
            "workqueue_retries", "Total number of retries handled by workqueue.", labels=name
        )
        work = HistogramMetricFamily(
            "workqueue_work_duration_seconds", "How long in seconds processing an item takes.", labels=name
        )
        unfinished = GaugeMetricFamily(
            "workqueue_unfinished_work_seconds", "Seconds of work in progress that has not ended.", labels=name
        )
        longest = GaugeMetricFamily(
            "workqueue_longest_running_processor_seconds", "Seconds that the longest work in progress has run.",
            labels=name,
        )  # fmt: skip
        now = self._sources.clock()
        for queue in self._sources.queues():
            label, counts, running = (queue.name,), queue.counts, queue.unfinished(now)
            depth.add_metric(label, queue.waiting(now))
            adds.add_metric(label, counts.adds)
            retries.add_metric(label, counts.retries)
            work.add_metric(label, buckets(counts.runs), counts.seconds)
            unfinished.add_metric(label, sum(running))
            longest.add_metric(label, max(running, default=0.0))
        yield from (depth, adds, retries, work, unfinished, longest)


def buckets(runs: list[int]) -> list[tuple[str, float]]:
    """Cumulated, as Prometheus has them."""
    total = 0
    found: list[tuple[str, float]] = []
    for bound, number in zip([*map(str, BUCKETS), "+Inf"], runs, strict=True):
        total += number
        found.append((bound, total))
    return found


def serve(sources: Sources, port: int) -> Callable[[], None]:
    """Begins to answer on loopback, in a thread of its own; gives what ends it. Raises OSError: the port is taken."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(ControllersCollector(sources))
    server, thread = start_http_server(port, addr=ADDRESS, registry=registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(5)

    return stop
