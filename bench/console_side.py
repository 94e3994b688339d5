"""What bench.console needs beside the browser: 2,000 clusters, changes of them, and what a trace tells of tasks."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, cast

from bench.platform import BenchError, Platform, until
from tests.console.direct import CLUSTERS, Api


def name(number: int) -> str:
    return f"cluster-{number:04}"


def make_clusters(platform: Platform, count: int) -> None:
    """Clusters that wait for their agents, with the status that the controllers give them."""
    api = Api(platform.data_dir / "admin.kubeconfig")
    for number in range(count):
        meta = {"name": name(number), "namespace": "default"}
        spec = {"displayName": f"Site {number}", "registered": {}}
        body = {"apiVersion": "cluster.alauda.io/v1alpha1", "kind": "Cluster", "metadata": meta, "spec": spec}
        api.call("POST", CLUSTERS, body)

    def seen() -> bool:
        items = api.call("GET", f"{CLUSTERS}?resourceVersion=0")["items"]
        return all(item.get("status", {}).get("phase") for item in items)

    until(seen, seconds=600, what=f"{count} clusters have a status", every=3)


class Changes:
    """One cluster after the other gets another display name; the list shows it as its second line."""

    def __init__(self, kubeconfig: Path, clusters: int) -> None:
        self._api = Api(kubeconfig)
        self._clusters = clusters
        self._made = 0
        self.last = ""
        """The display name of the first cluster, which the list shows at its top."""

    def make(self, count: int) -> None:
        for _ in range(count):
            self._made += 1
            self._change(self._made % self._clusters)
        self._made += 1
        self.last = self._change(0)

    def _change(self, number: int) -> str:
        text = f"Site {number}, change {self._made}"
        path = f"{CLUSTERS}/{name(number)}"
        self._api.call("PATCH", path, {"spec": {"displayName": text}}, kind="application/merge-patch+json")
        return text


def longest_task(trace: bytes) -> float:
    """Milliseconds of the longest task on the busiest renderer's main thread. Pure."""
    events = cast("list[dict[str, Any]]", json.loads(trace)["traceEvents"])
    mains = {
        (each["pid"], each["tid"])
        for each in events
        if each.get("ph") == "M" and each["name"] == "thread_name" and each["args"].get("name") == "CrRendererMain"
    }
    tasks: dict[tuple[int, int], list[float]] = defaultdict(list)
    for each in events:
        where = (each["pid"], each["tid"])
        if each.get("ph") == "X" and each["name"].endswith("RunTask") and where in mains:
            tasks[where].append(each.get("dur", 0) / 1000)
    if not tasks:
        raise BenchError("the trace holds no task of a page")
    return max(max(tasks.values(), key=sum))
