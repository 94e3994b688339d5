"""Creation of 3+3 by roost beside the hand-written script, both behind the same load balancer.

Called by the command. What is on which clock is creation's.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import creation, payload, processes
from bench.figures import Figure, figure, order
from bench.platform import VERSION, Platform, bundles, call
from lab.machines.balancer import Balancer
from lab.machines.lab import Lab
from lab.machines.machine import Machine

TARGET: Final = 1.2
PLANES: Final = 3
NAMES: Final = tuple(f"wide{number}" for number in range(1, PLANES + 4))


def run(runs: int, *, work: Path, port_base: int) -> list[Figure]:
    lab = Lab()
    prepared = work / "payload"
    payload.prepare(bundles(), VERSION, prepared)
    address = lab.settings.host_ipv4
    platform = Platform(work / "platform", port_base, address)
    found: dict[str, list[creation.Run]] = {"own": [], "peer": []}
    try:
        creation.fresh(lab, NAMES)
        platform.provide_bundle()
        platform.up()
        platform.wait_pushed()
        for number in range(runs):
            for who in order(number):
                machines = creation.fresh(lab, NAMES)
                with _balanced(address, machines[:PLANES]):
                    if who == "own":
                        one = _by_roost(platform, machines, address)
                    else:
                        one = creation.by_hand(prepared, machines, work, planes=PLANES, endpoint=address)
                found[who].append(one)
                name = "roost" if who == "own" else "script"
                print(f"  3+3 {number + 1}/{runs} by {name}: {one.seconds:.1f} s", flush=True)
    finally:
        platform.down()
        creation.gone(lab, NAMES)
    return figures(found["own"], found["peer"])


def figures(own: list[creation.Run], peer: list[creation.Run]) -> list[Figure]:
    """Pure."""
    return [
        figure("wide.time", "s", [r.seconds for r in own], [r.seconds for r in peer], target=TARGET),
        figure("wide.available", "s", [r.available for r in own]),
        figure("wide.busy", "s", [r.busy for r in own], [r.busy for r in peer]),
        figure("wide.machines", "s", [r.machines for r in own], [r.machines for r in peer]),
        figure("wide.deletion", "s", [r.deletion for r in own]),
    ]


def _by_roost(platform: Platform, machines: list[Machine], endpoint: str) -> creation.Run:
    text = creation.cluster_file(machines, planes=PLANES, endpoint=endpoint)
    busy, before = processes.busy_seconds(), creation.worked(machines)
    began = time.monotonic()
    platform.kubectl("apply", "-f", "-", stdin=text)
    platform.kubectl("wait", "cluster/bench", "--for=condition=Available", "--timeout=900s", timeout=910)
    available = time.monotonic() - began
    call(*machines[0].ssh_argv(), creation.END)
    one = creation.Run(
        time.monotonic() - began,
        processes.busy_seconds() - busy,
        creation.worked(machines) - before,
        {},
        available,
    )
    began = time.monotonic()
    platform.kubectl("delete", "-f", "-", "--timeout=300s", stdin=text)
    one.deletion = time.monotonic() - began
    return one


@contextmanager
def _balanced(address: str, planes: list[Machine]) -> Generator[None]:
    balancer = Balancer(address, [machine.ipv4 for machine in planes])
    try:
        yield
    finally:
        balancer.close()
