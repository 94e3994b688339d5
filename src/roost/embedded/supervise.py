"""Runs the platform's programs as children: started again when they die, gone when roost is gone.

A child gets PDEATHSIG, so it ends with its supervisor even when that is killed; its pid, start time and
executable are recorded, so that the next supervisor finds and ends one that nevertheless survived.
Called by start.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from roost.api.errors import PermanentFailure
from roost.embedded import process
from roost.embedded.files import explained, write_private

LOG_BYTES: Final = 32 * 1024 * 1024
"""A log is moved to NAME.log.1 when it grows beyond this."""
STEADY_SECONDS: Final = 30.0
"""A child that lived this long is no longer counted as failing."""
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True)
class Program:
    """How one child is started. `arguments` hold no secret: anybody can read them in /proc."""

    name: str
    executable: Path
    arguments: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    stop_seconds: float = 20.0
    directory: Path | None = None


@dataclass
class Child:
    """What the supervisor knows of one program."""

    program: Program
    pid: int | None = None
    starts: int = 0
    failures: int = 0
    """Ends in a row without a steady life between them."""
    last_end: str = ""
    stopping: bool = False
    task: asyncio.Task[None] | None = None


def delay(failures: int) -> float:
    """Seconds before a dead child is started again: at once the first time, then doubling to 30 s."""
    return 0.0 if failures <= 1 else min(30.0, 0.25 * 2 ** (failures - 2))


def describe_end(status: int) -> str:
    """An exit status as asyncio gives it, in words."""
    if status >= 0:
        return f"ended with exit code {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


class Supervisor:
    """Keeps programs running until they are stopped. One per process; not for several event loops."""

    def __init__(self, identity_file: Callable[[str], Path], *, on_restart: Callable[[str, str], None]) -> None:
        self._identity_file = identity_file
        self._on_restart = on_restart
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._me = os.getpid()
        self.children: dict[str, Child] = {}

    async def start(self, program: Program) -> None:
        """Starts and from then on keeps it. Raises PermanentFailure where it can't be executed."""
        child = Child(program)
        self.children[program.name] = child
        running = await self._spawn(child)
        child.task = asyncio.create_task(self._keep(child, running), name=f"keep {program.name}")

    async def replace(self, program: Program) -> None:
        """Stops the child of that name, if any, and starts this one."""
        await self.stop(program.name)
        await self.start(program)

    async def stop(self, name: str) -> None:
        """Ends one child: TERM, and KILL after its time. Returns when it is gone."""
        child = self.children.get(name)
        if child is None or child.task is None:
            return
        child.stopping = True
        if child.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGTERM)
        else:
            child.task.cancel()
        done, _ = await asyncio.wait({child.task}, timeout=child.program.stop_seconds)
        if not done:
            if child.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
            await asyncio.wait({child.task})
        self._identity_file(name).unlink(missing_ok=True)
        self.children.pop(name, None)

    async def stop_all(self, order: Iterable[Iterable[str]]) -> None:
        """Ends groups one after the other, the members of a group at once; then whatever is left."""
        for group in (*order, tuple(self.children)):
            await asyncio.gather(*(self.stop(name) for name in group if name in self.children))

    def check(self, *, tries: int = 3) -> None:
        """Raises PermanentFailure when a child has died so often that waiting is vain; the first one started counts.

        A later one may die only because an earlier one did.
        """
        for name, child in self.children.items():
            if child.failures >= tries:
                raise PermanentFailure(
                    "ProgramFails",
                    f"{name} {child.last_end}, {child.failures} times in a row; its last words: "
                    f"{last_words(child.program.log)} (whole log: {child.program.log})",
                )

    async def _spawn(self, child: Child) -> asyncio.subprocess.Process:
        program = child.program
        trim(program.log)
        with explained(program.executable if not program.executable.exists() else program.log):
            descriptor = os.open(program.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                running = await asyncio.create_subprocess_exec(
                    program.executable,
                    *program.arguments,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=descriptor,
                    stderr=descriptor,
                    env={**_environment(), **program.environment},
                    cwd=program.directory or "/",
                    # Ctrl-C is for the supervisor, which stops its children in order.
                    start_new_session=True,
                    preexec_fn=self._tie_to_parent,
                )
            finally:
                os.close(descriptor)
        child.pid = running.pid
        child.starts += 1
        identity = process.identify(running.pid)
        if identity is not None:
            write_private(self._identity_file(program.name), process.encode(identity))
        return running

    def _tie_to_parent(self) -> None:
        # Runs between fork and exec: one system call, nothing that could take a lock.
        self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != self._me:
            os._exit(111)

    async def _keep(self, child: Child, running: asyncio.subprocess.Process) -> None:
        while True:
            began = time.monotonic()
            status = await running.wait()
            child.pid = None
            if child.stopping:
                return
            child.failures = 1 if time.monotonic() - began >= STEADY_SECONDS else child.failures + 1
            child.last_end = describe_end(status)
            self._on_restart(child.program.name, child.last_end)
            while True:
                await asyncio.sleep(delay(child.failures))
                if child.stopping:
                    return
                try:
                    running = await self._spawn(child)
                    break
                except PermanentFailure as error:
                    # A full disk, a program that is being replaced: the next try may find it gone.
                    child.failures += 1
                    child.last_end = error.message


async def end_survivors(directory: Path, *, seconds: float = 20.0) -> tuple[str, ...]:
    """Ends what an earlier supervisor recorded and left running. Gives «name (pid N)» of each."""
    ended: list[str] = []

    async def one(path: Path) -> None:
        identity = process.read(path)
        if identity is not None and process.is_alive(identity):
            await process.end(identity, seconds=seconds)
            ended.append(f"{path.stem.removeprefix('process-')} (pid {identity.pid})")
        path.unlink(missing_ok=True)

    await asyncio.gather(*(one(path) for path in directory.glob("process-*.json")))
    return tuple(sorted(ended))


def trim(log: Path, *, limit: int = LOG_BYTES) -> None:
    """Keeps a log from filling the disk: the old content goes to NAME.log.1, the file itself stays.

    The file stays the same one, since a running child writes into it (appending).
    """
    try:
        if log.stat().st_size <= limit:
            return
        former = log.with_name(f"{log.name}.1")
        shutil.copyfile(log, former)
        former.chmod(0o600)
        os.truncate(log, 0)
    except FileNotFoundError:
        return


def last_words(log: Path, *, characters: int = 600) -> str:
    """The last line of a log that says something; for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return "none"
    telling = [line.strip() for line in lines if line.strip()]
    for line in reversed(telling):
        if any(word in line.lower() for word in ("error", "fatal", "panic", "failed", "invalid", "refused")):
            return line[:characters]
    return telling[-1][:characters] if telling else "none"


def _environment() -> dict[str, str]:
    """What children get of ours: no proxy (everything they reach is on loopback), no secrets."""
    kept = (
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TZ",
        "TMPDIR",
        "GOMAXPROCS",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        # roost's own processes are the same roost as this one, also where it runs from its sources.
        "PYTHONPATH",
        "ROOST_DEBUG",
    )
    return {name: os.environ[name] for name in kept if name in os.environ}
