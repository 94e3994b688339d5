"""Thousands of registered clusters on one platform: memory, processor time, and how late their status is.

The platform is `roost up` as people start it; the clusters are `bench.fakes`, in processes of their own, whose memory
and processor time are told apart. Lag is the time from the moment at which a cluster's API server becomes unwell (or
well again) until a watch of the platform's API tells so. Called by the command.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import resource
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench import processes
from bench.figures import Figure, by_part, figure
from bench.platform import BenchError, Platform, cpu
from roost.api import conditions as c
from roost.embedded.ports import Ports
from roost.kube.direct import Direct, reachable
from roost.kube.kubeconfig import parse
from roost.kube.lean import Lean
from roost.providers.registered import creating

ROOT: Final = Path(__file__).resolve().parents[1]
CLUSTERS: Final = int(os.environ.get("BENCH_CLUSTERS", "3000"))
PROCESSES: Final = 3
"""That hold the fakes."""
FLIPS: Final = 600
FLIPS_A_SECOND: Final = 5.0
REGISTERING: Final = 12
"""At once."""
SETTLED_WITHIN: Final = 1500.0
LAG_LIMIT: Final = 15.0
MEMORY_LIMIT: Final = 2.5e9
CONDITION: Final = c.API_SERVER_HEALTHY
_CLUSTERS: Final = "/apis/cluster.alauda.io/v1alpha1/clusters"


def run(runs: int, *, work: Path, port_base: int, clusters: int = CLUSTERS, flips: int = FLIPS) -> list[Figure]:
    """`runs` are measurements of a running fleet, one after another; it is registered once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    platform = Platform(work / "fleet", port_base)
    platform.provide_bundle()
    try:
        platform.up()
        found = asyncio.run(_measure(platform, work, runs, clusters, flips))
    finally:
        platform.remove()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return figures(found)


@dataclass
class Found:
    settled: float
    """Seconds from the first agent's start until every cluster was Available."""
    bytes_each: float
    """Of one Cluster as the API has it."""
    lags: list[list[float]] = field(default_factory=list[list[float]])
    """Seconds, by run."""
    memory: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    busy: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    """Processors that each process of the platform used."""
    fakes: list[dict[str, float]] = field(default_factory=list[dict[str, float]])


def figures(found: Found) -> list[Figure]:
    """Pure."""
    return [
        figure("fleet.lag-p50", "s", [_share(lags, 0.5) for lags in found.lags]),
        figure("fleet.lag-p99", "s", [_share(lags, 0.99) for lags in found.lags], limit=LAG_LIMIT),
        figure("fleet.memory-all", "bytes", [sum(each.values()) for each in found.memory], limit=MEMORY_LIMIT),
        *(figure("fleet.memory", "bytes", values, part=name) for name, values in by_part(found.memory).items()),
        figure("fleet.busy-all", "percent", [100 * sum(each.values()) for each in found.busy]),
        *(
            figure("fleet.busy", "percent", [100 * value for value in values], part=name)
            for name, values in by_part(found.busy).items()
        ),
        figure("fleet.fakes-memory", "bytes", [each["memory"] for each in found.fakes]),
        figure("fleet.fakes-busy", "percent", [100 * each["busy"] for each in found.fakes]),
        figure("fleet.object", "bytes", [found.bytes_each]),
        figure("fleet.settled", "s", [found.settled]),
    ]


def _share(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def _measure(platform: Platform, work: Path, runs: int, clusters: int, flips: int) -> Found:
    api = Lean(Direct(parse((platform.data_dir / "admin.kubeconfig").read_text()), allowed=reachable))
    tokens = await _register(api, clusters)
    watched = Watched()
    watching = asyncio.create_task(watched.run(api))
    try:
        async with _fakes(platform, work, tokens) as fakes:
            began = time.monotonic()
            await watched.all_available(clusters)
            result = Found(time.monotonic() - began, await _size(api))
            print(f"  {clusters} clusters are Available after {result.settled:.0f} s", flush=True)
            await asyncio.sleep(30)
            for number in range(runs):
                await _one(platform, fakes, watched, result, clusters, flips)
                print(f"  run {number + 1}/{runs}: p99 {_share(result.lags[-1], 0.99):.1f} s", flush=True)
        return result
    finally:
        watching.cancel()


async def _one(
    platform: Platform, fakes: list[Fakes], watched: Watched, result: Found, clusters: int, flips: int
) -> None:
    pids = platform.pids()
    before, own = cpu(pids), sum(processes.cpu_seconds(each.pid) for each in fakes)
    began = time.monotonic()
    watched.lags = []
    for number in random.sample(range(clusters), min(flips, clusters)):
        ready, at = await fakes[number % len(fakes)].flip(number)
        watched.expect(number, at, ready=ready)
        await asyncio.sleep(random.expovariate(FLIPS_A_SECOND))
    await watched.all_seen()
    took = time.monotonic() - began
    result.lags.append(watched.lags)
    used = processes.used(before, cpu(pids))
    result.busy.append({name: seconds / took for name, seconds in used.items()})
    result.memory.append({name: float(processes.resident(pid)) for name, pid in pids.items()})
    spent = sum(processes.cpu_seconds(each.pid) for each in fakes) - own
    memory = sum(processes.resident(each.pid) for each in fakes)
    result.fakes.append({"busy": spent / took, "memory": float(memory)})


class Watched:
    """What a watch of the platform's API has told of each cluster."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self._conditions: dict[int, dict[str, str]] = {}
        self._expected: dict[int, tuple[float, str]] = {}
        """Number to (when it changed, what is to be seen)."""

    async def run(self, api: Lean) -> None:
        async for kind, item in api.follow(_CLUSTERS):
            name = str(item["metadata"]["name"]) if kind in {"ADDED", "MODIFIED"} else ""
            if name.startswith("fake-"):
                number = int(name.removeprefix("fake-"))
                found = item.get("status", {}).get("conditions") or []
                self._conditions[number] = {each["type"]: each["status"] for each in found}
                self._look(number)

    def expect(self, number: int, at: float, *, ready: bool) -> None:
        self._expected[number] = (at, "True" if ready else "False")
        self._look(number)

    def _look(self, number: int) -> None:
        expected = self._expected.get(number)
        if expected is not None and self._conditions.get(number, {}).get(CONDITION) == expected[1]:
            self.lags.append(time.time() - expected[0])
            del self._expected[number]

    async def all_seen(self) -> None:
        async with asyncio.timeout(300):
            while self._expected:
                await asyncio.sleep(0.1)

    async def all_available(self, clusters: int) -> None:
        end = time.monotonic() + SETTLED_WITHIN
        told = 0.0
        while True:
            up = sum(each.get("Available") == "True" for each in self._conditions.values())
            if up >= clusters:
                return
            if time.monotonic() > end:
                raise BenchError(f"{up} of {clusters} clusters are Available after {SETTLED_WITHIN:.0f} s")
            if time.monotonic() - told > 30:
                told = time.monotonic()
                print(f"  {up} of {clusters} are Available", flush=True)
            await asyncio.sleep(0.5)


@dataclass
class Fakes:
    """One process of bench.fakes."""

    pid: int
    process: asyncio.subprocess.Process

    async def flip(self, number: int) -> tuple[bool, float]:
        """Whether it is well now, and since when."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"flip {number}\n".encode())
        while True:
            line = (await self.process.stdout.readline()).decode().split()
            if not line:
                raise BenchError("a process of fakes has ended; its log says why")
            if line[0] == str(number):
                return line[1] == "True", float(line[2])


@contextlib.asynccontextmanager
async def _fakes(platform: Platform, work: Path, tokens: list[tuple[str, str]]) -> AsyncGenerator[list[Fakes]]:
    found: list[Fakes] = []
    ca = (platform.data_dir / "pki" / "serving-ca.crt").read_text()
    url = f"https://127.0.0.1:{Ports(platform.port_base).gateway}"
    try:
        for part in range(PROCESSES):
            directory = work / f"fakes-{part}"
            directory.mkdir()
            clusters = [
                {"number": number, "id": cluster_id, "token": token}
                for number, (cluster_id, token) in enumerate(tokens)
                if number % PROCESSES == part
            ]
            settings = directory / "settings.json"
            settings.write_text(
                json.dumps({"clusters": clusters, "urls": [url], "ca": ca, "directory": str(directory)})
            )
            with (work / f"fakes-{part}.log").open("wb") as log:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "bench.fakes", str(settings)),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    cwd=ROOT,
                    env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
                )
            found.append(Fakes(process.pid, process))
        yield found
    finally:
        for each in found:
            each.process.terminate()
        for each in found:
            await each.process.wait()


async def _register(api: Lean, clusters: int) -> list[tuple[str, str]]:
    """(id, token) of each cluster, in order."""
    room = asyncio.Semaphore(REGISTERING)
    platform = _Registering(api)

    async def one(number: int) -> tuple[str, str]:
        async with room:
            asked = creating.Registration("default", f"fake-{number}", ("https://127.0.0.1",), "", "bench")
            text, record = await creating.create(platform, asked, sleep=asyncio.sleep)
            documents = [json.loads(each) for each in text.split("---\n")[1:]]
            secret = next(
                each
                for each in documents
                if each["kind"] == "Secret" and each["metadata"]["name"] == "roost-agent-token"
            )
            return record.cluster_id, secret["stringData"]["token"]

    began = time.monotonic()
    found = await asyncio.gather(*(one(number) for number in range(clusters)))
    print(f"  {clusters} clusters are registered after {time.monotonic() - began:.0f} s", flush=True)
    return found


class _Registering:
    """creating.Platform."""

    def __init__(self, api: Lean) -> None:
        self._api = api

    async def get(self, path: str) -> dict[str, Any]:
        return await self._api.call("GET", path)

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self._api.call("POST", path, body)


async def _size(api: Lean) -> float:
    found = await api.call("GET", "/apis/cluster.alauda.io/v1alpha1/namespaces/default/clusters/fake-0")
    return float(len(json.dumps(found, separators=(",", ":"))))
