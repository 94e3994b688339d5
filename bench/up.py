"""`roost up` beside bare etcd and kube-apiserver with the same arguments and data, and what memory each takes.

Called by the command. The peer's arguments are read from roost's own running processes.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import processes
from bench.figures import Figure, by_part, figure, order
from bench.platform import BenchError, Platform

TARGET: Final = 1.3
SETTLE: Final = 5.0
"""Seconds from «ready» until memory is looked at; as long again before the next start, for the disk."""
BARE: Final = ("etcd", "kube-apiserver")


@dataclass(frozen=True)
class Started:
    seconds: float
    memory: dict[str, float]
    """Resident bytes of each process."""


@dataclass(frozen=True)
class Program:
    """A program exactly as roost had started it."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]

    def port(self, option: str) -> int:
        """The port that an option names, alone or at the end of an address."""
        value = next(word.split("=", 1)[1] for word in self.arguments if word.startswith(f"--{option}="))
        found = re.search(r"(\d+)$", value)
        if found is None:
            raise BenchError(f"--{option}={value} names no port")
        return int(found[1])


def run(runs: int, *, work: Path, port_base: int) -> list[Figure]:
    first: list[float] = []
    for number in range(runs):
        fresh = Platform(work / f"first-{number}", port_base)
        fresh.provide_bundle()
        try:
            first.append(_timed(fresh))
        finally:
            fresh.remove()
        print(f"  first start {number + 1}/{runs}: {first[-1]:.2f} s", flush=True)
    platform = Platform(work / "existing", port_base)
    platform.provide_bundle()
    own: list[Started] = []
    bare: list[Started] = []
    try:
        platform.up()
        programs = _programs(platform)
        platform.down()
        by_roost(platform)  # Unmeasured: the start after the first one stamps what it has checked.
        for number in range(runs):
            for who in order(number):
                time.sleep(SETTLE)
                if who == "own":
                    own.append(by_roost(platform))
                else:
                    bare.append(by_hand(platform, programs))
            print(f"  start {number + 1}/{runs}: {own[-1].seconds:.2f} s, bare {bare[-1].seconds:.2f} s", flush=True)
    finally:
        platform.down()
    return figures(first, own, bare)


def figures(first: list[float], own: list[Started], bare: list[Started]) -> list[Figure]:
    """Pure."""
    peers = by_part([start.memory for start in bare])
    return [
        figure("up.time", "s", [s.seconds for s in own], [s.seconds for s in bare], target=TARGET),
        figure("up.first", "s", first),
        figure("up.memory-all", "bytes", [sum(start.memory.values()) for start in own]),
        *(
            figure("up.memory", "bytes", values, peers.get(name), part=name)
            for name, values in by_part([start.memory for start in own]).items()
        ),
    ]


def by_roost(platform: Platform) -> Started:
    seconds = _timed(platform)
    time.sleep(SETTLE)
    memory = {name: float(processes.resident(pid)) for name, pid in platform.pids().items()}
    platform.down()
    return Started(seconds, memory)


def by_hand(platform: Platform, programs: Mapping[str, Program]) -> Started:
    """etcd, then kube-apiserver as soon as etcd listens: earlier, it would wait a second before it tries again."""
    context = _administrator(platform)
    started: dict[str, subprocess.Popen[bytes]] = {}
    port = programs["kube-apiserver"].port("secure-port")
    try:
        began = time.monotonic()
        started["etcd"] = _start(programs["etcd"], platform.data_dir / "logs" / "bare-etcd.log")
        _wait_listening(programs["etcd"].port("listen-client-urls"))
        started["kube-apiserver"] = _start(programs["kube-apiserver"], platform.data_dir / "logs" / "bare-api.log")
        _wait_listening(port)
        while not _ready(port, context):
            time.sleep(0.02)
        seconds = time.monotonic() - began
        time.sleep(SETTLE)
        return Started(seconds, {name: float(processes.resident(child.pid)) for name, child in started.items()})
    finally:
        for name in reversed(BARE):
            if name in started:
                processes.end(started[name])


def _timed(platform: Platform) -> float:
    began = time.monotonic()
    platform.up()
    return time.monotonic() - began


def _programs(platform: Platform) -> dict[str, Program]:
    pids = platform.pids()
    return {name: Program(tuple(processes.arguments(pids[name])), processes.environment(pids[name])) for name in BARE}


def _start(program: Program, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as file:
        return subprocess.Popen(program.arguments, env=dict(program.environment), stdout=file, stderr=file)


def _wait_listening(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise BenchError(f"nothing listens on port {port}")


def _administrator(platform: Platform) -> ssl.SSLContext:
    pki = platform.data_dir / "pki"
    context = ssl.create_default_context(cafile=str(pki / "platform-ca.crt"))
    context.load_cert_chain(pki / "user-admin.crt", pki / "user-admin.key")
    return context


def _ready(port: int, context: ssl.SSLContext) -> bool:
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
