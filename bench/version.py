"""How long commands take: `roost version` beside `kubectl version --client`, `roost clusters` beside `kubectl get`.

Called by the command. Whole processes are timed, as a person or a shell script waits for them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.figures import Figure, figure, order
from bench.platform import ROOST, VERSION, BenchError, Platform, until

TARGET: Final = 0.5
CLUSTERS: Final = 100


def run(runs: int, *, work: Path, port_base: int) -> list[Figure]:
    platform = Platform(work / "commands", port_base)
    platform.provide_bundle()
    # kubectl keeps what it has discovered below HOME; of this platform, not of the person's own clusters.
    environment = {"HOME": str(work), "ROOST_DATA_DIR": str(platform.data_dir), "LANG": "C.UTF-8"}
    kubectl = platform.kubectl_words()
    try:
        platform.up()
        _make_clusters(platform)
        lists = _beside([ROOST, "clusters"], [*kubectl, "get", "clusters", "-A"], runs, environment)
    finally:
        platform.down()
    # These ask no server, so none is left to run beside them.
    time.sleep(3)
    version = _beside([ROOST, "version"], [kubectl[0], "version", "--client"], runs, environment)
    python = _times([sys.executable, "-c", ""], runs, environment)
    return [
        figure("version.time", "ms", *version, target=TARGET),
        figure("version.python", "ms", python),
        figure("version.clusters", "ms", *lists),
    ]


def paused_clusters(count: int) -> dict[str, Any]:
    """As one document. Nothing is done for them, and no machine is named. Pure."""
    items = [
        {
            "apiVersion": "cluster.alauda.io/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": f"cluster-{number}", "namespace": "default"},
            "spec": {
                "version": VERSION,
                "paused": True,
                "onPremises": {"controlPlaneEndpoint": {"host": f"198.51.100.{number + 1}"}},
            },
        }
        for number in range(count)
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _make_clusters(platform: Platform) -> None:
    """With the status that the controllers give them, as lists show it."""
    platform.kubectl("apply", "-f", "-", stdin=json.dumps(paused_clusters(CLUSTERS)))

    def seen() -> bool:
        items = json.loads(platform.kubectl("get", "clusters", "-o", "json"))["items"]
        return sum(1 for item in items if item.get("status", {}).get("phase")) == CLUSTERS

    until(seen, seconds=120, what=f"{CLUSTERS} clusters have a status", every=1)
    time.sleep(3)


def _beside(
    own: Sequence[str], peer: Sequence[str], runs: int, environment: Mapping[str, str]
) -> tuple[list[float], list[float]]:
    """Milliseconds of each, interleaved; one unmeasured run of each warms caches."""
    found: dict[str, list[float]] = {"own": [], "peer": []}
    words = {"own": own, "peer": peer}
    for command in words.values():
        _once(command, environment)
    for number in range(runs):
        for who in order(number):
            found[who].append(_once(words[who], environment))
    return found["own"], found["peer"]


def _times(words: Sequence[str], runs: int, environment: Mapping[str, str]) -> list[float]:
    return [_once(words, environment) for _ in range(runs)]


def _once(words: Sequence[str], environment: Mapping[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(words, env={**os.environ, **environment}, capture_output=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        raise BenchError(f"`{' '.join(words)}` ended with {done.returncode}: {done.stderr.decode()[-500:]}")
    return seconds * 1000
