"""Starts, finds and stops the process that serves the cache as an upstream mirror.

`ensure_running` is for tests, the demo and the other half of the lab: it returns the URL of a
mirror that answers. `serve` is what that process runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.build import cache
from lab.build.failure import BuildError
from lab.build.server import IDENTITY_PATH, MirrorServer

DEFAULT_LISTEN = "127.0.0.1:18480"
START_SECONDS = 10.0
STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Running:
    """The mirror's process, recognised by pid and start time together."""

    pid: int
    start_time: int
    url: str


def ensure_running(listen: str = "") -> str:
    """URL of the mirror; starts it in the background where none runs, at the usual place or at `listen`."""
    with cache.exclusive("mirror", "the mirror is being started by another process"):
        known = running()
        if known is not None:
            return known.url
        return _start(listen or usual()).url


def usual() -> str:
    """Where a mirror listens that nobody has placed: elsewhere when another cache's mirror has the usual port."""
    host, _, port = DEFAULT_LISTEN.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return f"{host}:0"
    return DEFAULT_LISTEN


def running() -> Running | None:
    """The mirror that runs for this cache, if one does and answers."""
    known = _recorded()
    if known is None or start_time(known.pid) != known.start_time:
        return None
    return known if _answers(known.url) else None


def stop() -> bool:
    """End the mirror of this cache; False where none ran."""
    known = _recorded()
    if known is None or start_time(known.pid) != known.start_time:
        _pid_file().unlink(missing_ok=True)
        return False
    os.kill(known.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while start_time(known.pid) == known.start_time:
        if time.monotonic() > deadline:
            os.kill(known.pid, signal.SIGKILL)
            break
        time.sleep(0.05)
    _pid_file().unlink(missing_ok=True)
    return True


def serve(listen: str) -> None:
    """Serve until told to stop; writes the pid file once the port is bound."""
    server = bind(listen)
    own = Running(os.getpid(), start_time(os.getpid()) or 0, server.url)
    cache.write_atomically(_pid_file(), (json.dumps(asdict(own)) + "\n").encode())
    print(f"mirror of {cache.root()}: {server.url}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
    server.server_close()
    if _recorded() == own:
        _pid_file().unlink(missing_ok=True)


def bind(listen: str) -> MirrorServer:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise BuildError(
            step="start the mirror",
            cause=f"--listen {listen!r} is not ADDRESS:PORT",
            remedy=f"write it as in {DEFAULT_LISTEN}",
        )
    cache.mirror_root().mkdir(parents=True, exist_ok=True)
    try:
        return MirrorServer((host, int(port)), cache.mirror_root())
    except OSError as error:
        raise BuildError(
            step="start the mirror",
            cause=f"it cannot listen on {listen}",
            evidence=str(error),
            remedy="end what listens there (see `ss -ltnp`), or take another --listen",
        ) from error


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def _start(listen: str) -> Running:
    log = cache.root() / "mirror.log"
    with log.open("wb") as output:  # a request a line, so each start begins a new one
        child = subprocess.Popen(
            [sys.executable, "-m", "lab", "mirror", "--listen", listen],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).resolve().parents[2],
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        known = _recorded()
        if known is not None and known.pid == child.pid and _answers(known.url):
            return known
        if child.poll() is not None:
            break
        time.sleep(0.05)
    lines = log.read_text(errors="replace").strip().splitlines()
    raise BuildError(
        step="start the mirror",
        cause=f"it does not answer on {listen}",
        evidence=" / ".join(line.strip() for line in lines[-3:]),
        remedy=f"end what listens there (see `ss -ltnp`); its log is {log}",
    )


def _answers(url: str) -> bool:
    """Whether a mirror of exactly this cache answers there."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}{IDENTITY_PATH}", timeout=5) as answer:
            return bool(json.load(answer).get("root") == str(cache.mirror_root()))
    except (OSError, ValueError):
        return False


def _pid_file() -> Path:
    return cache.root() / "mirror.json"


def _recorded() -> Running | None:
    try:
        document = json.loads(_pid_file().read_text())
        return Running(int(document["pid"]), int(document["start_time"]), str(document["url"]))
    except (OSError, ValueError, KeyError):
        return None
