"""A machine without a machine: scripts run in the local /bin/sh, below a directory instead of /.

For tests of this room, of node/ and of providers. It passes the same contract suite as the real
connection. systemd is played by a few programs (fakebin/); programs that look at or change the real
computer (ip, nft, iptables, …) are replaced by ones that only say what the test has put there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterable, Callable
from pathlib import Path
from typing import Final

from roost.ssh.connection import Command, Result, Target
from roost.ssh.errors import CommandTimedOut, ConnectionLost, HostKeyChanged
from roost.ssh.framing import LOADER, frame, process_group
from roost.ssh.keys import is_trusted
from roost.ssh.output import STDERR_LIMIT, STDOUT_LIMIT, Collector, maskers

HOST_KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFake0Fake0Fake0Fake0Fake0Fake0Fake0Fake0Fak"
FAKEBIN: Final = Path(__file__).parent / "fakebin"
_SHOW: Final = (
    "conntrack", "crictl", "ctr", "getenforce", "ip", "ip6tables-legacy-restore", "ip6tables-legacy-save",
    "ip6tables-nft-restore", "ip6tables-nft-save", "ip6tables-restore", "ip6tables-save", "iptables-legacy-restore",
    "iptables-legacy-save", "iptables-nft-restore", "iptables-nft-save", "iptables-restore", "iptables-save",
    "journalctl", "kubeadm", "kubelet", "modprobe", "nft", "ss", "umount",
)  # fmt: skip
_FILES: Final = {
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "etc/resolv.conf": "nameserver 192.0.2.53\n",
    "proc/meminfo": "MemTotal:        4194304 kB\nMemFree:         2097152 kB\n",
    "proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n",
    "proc/self/mountinfo": "21 1 0:20 / / rw - ext4 /dev/vda1 rw\n",
    "proc/sys/kernel/random/boot_id": "11111111-2222-3333-4444-555555555555\n",
    "proc/sys/net/ipv4/ip_forward": "0\n",
    "sys/fs/cgroup/memory/system.slice/cgroup.procs": "",
    ".fake/output/ip": "2: eth0    inet 192.0.2.10/24 brd 192.0.2.255 scope global eth0\n",
}
_DIRECTORIES: Final = ("etc/systemd/system", "run/systemd/system", "tmp", "usr/local/bin", "var/lib", "var/log")


class FakeMachine:
    """Its files are below `root`; make it with a fresh directory. `connect` is its Connector.

    Set `refuse` to an error and connects raise it; `delay` slows every command; `drop_at` breaks the
    connection once when a command prints a line that contains it (what runs as a unit goes on).
    """

    def __init__(self, root: Path, *, host_key: str = HOST_KEY) -> None:
        self.root = root
        self.host_key = host_key
        self.refuse: Exception | None = None
        self.delay = 0.0
        self.drop_at: str | None = None
        self.commands: list[Command] = []
        """Everything that was run, in order."""
        for directory in _DIRECTORIES:
            (root / directory).mkdir(parents=True, exist_ok=True)
        for path, content in _FILES.items():
            self.write(path, content)
        self.bin = root / ".fake" / "bin"
        self.bin.mkdir(exist_ok=True)
        for name in ("systemctl", "systemd-run"):
            (self.bin / name).symlink_to(FAKEBIN / name)
        (self.bin / "sync").symlink_to("/bin/true")  # A test machine has no power to lose.
        for name in _SHOW:
            (self.bin / name).symlink_to(FAKEBIN / "recorded")

    async def connect(self, target: Target) -> FakeConnection:
        if self.refuse is not None:
            raise self.refuse
        if not is_trusted(target.host_keys, self.host_key):
            raise HostKeyChanged(f"{target.name}: the machine shows another host key than the trusted one")
        return FakeConnection(self, target)

    def write(self, path: str, content: str) -> None:
        """Put a file on the machine, as if it had always been there."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)

    def output(self, program: str, text: str) -> None:
        """What a program for show prints from now on (`ip`, `nft`, `ctr`, …)."""
        self.write(f".fake/output/{program}", text)

    def calls(self) -> list[str]:
        """What programs for show were called with."""
        log = self.root / ".fake" / "calls.log"
        return log.read_text().splitlines() if log.exists() else []

    def program(self, name: str, script: str) -> None:
        """Replace a program by a script of the test's own (`#!/bin/sh …`)."""
        place = self.bin / name
        place.unlink(missing_ok=True)
        place.write_text(script)
        place.chmod(0o755)

    def kill_units(self) -> list[str]:
        """SIGKILL to everything that systemd-run started, as a power failure would end it. Their names."""
        killed: list[str] = []
        for pid in sorted((self.root / ".fake" / "units").glob("*/pid")):
            with contextlib.suppress(ProcessLookupError, ValueError, FileNotFoundError):
                os.killpg(int(pid.read_text()), signal.SIGKILL)
                pid.unlink()
                killed.append(pid.parent.name)
        return killed

    def environment(self) -> dict[str, str]:
        return {
            "ROOST_ROOT": str(self.root),
            "ROOST_BIN": str(self.bin),
            "PATH": f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin",
        }


class FakeConnection:
    """A Connection to a FakeMachine."""

    def __init__(self, machine: FakeMachine, target: Target) -> None:
        self._machine = machine
        self._target = target
        self._closed = False

    @property
    def target(self) -> Target:
        return self._target

    @property
    def host_key(self) -> str:
        return self._machine.host_key

    @property
    def closed(self) -> bool:
        return self._closed

    async def run(
        self,
        command: Command,
        *,
        payload: bytes | AsyncIterable[bytes] | None = None,
        on_line: Callable[[str], None] | None = None,
        timeout: float = 60.0,
    ) -> Result:
        if self._closed:
            raise self._lost(command)
        self._machine.commands.append(command)
        await asyncio.sleep(self._machine.delay)
        target = self._target
        mask, error_mask = maskers(target, command.secrets)
        err = Collector(STDERR_LIMIT, error_mask, tail=True)
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", LOADER,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=self._machine.environment(), start_new_session=True,
        )  # fmt: skip
        dropped = asyncio.Event()
        out = Collector(STDOUT_LIMIT, mask, tail=False, on_line=self._watched(on_line, dropped))
        try:
            async with asyncio.timeout(timeout):
                await self._converse(process, command, payload, out, err, dropped)
        except TimeoutError:
            raise CommandTimedOut(f"{target.name}: {command.title} did not end within {timeout:g} s") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            await process.wait()
        return Result(process.returncode or 0, out.finish(), err.finish())

    async def close(self) -> None:
        self._closed = True

    def _watched(self, on_line: Callable[[str], None] | None, dropped: asyncio.Event) -> Callable[[str], None]:
        def watch(line: str) -> None:
            drop_at = self._machine.drop_at
            if drop_at is not None and drop_at in line:
                self._machine.drop_at = None
                dropped.set()
            if on_line is not None:
                on_line(line)

        return watch

    async def _converse(
        self,
        process: asyncio.subprocess.Process,
        command: Command,
        payload: bytes | AsyncIterable[bytes] | None,
        out: Collector,
        err: Collector,
        dropped: asyncio.Event,
    ) -> None:
        feeder = asyncio.create_task(_feed(process, command, payload))
        readers = asyncio.gather(_read(process.stdout, out, told=True), _read(process.stderr, err, told=False))
        drop = asyncio.create_task(dropped.wait())
        try:
            pending: set[asyncio.Future[object]] = {feeder, readers, drop}  # pyright: ignore[reportAssignmentType]
            while not readers.done():
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                if drop in done:
                    self._closed = True
                    raise self._lost(command)
                if feeder in done:
                    feeder.result()
            await readers
            await process.wait()
        finally:
            for task in (feeder, readers, drop):
                task.cancel()
            await asyncio.gather(feeder, readers, drop, return_exceptions=True)

    def _lost(self, command: Command) -> ConnectionLost:
        return ConnectionLost(f"{self._target.name}: the connection broke during «{command.title}»")


async def _feed(
    process: asyncio.subprocess.Process, command: Command, payload: bytes | AsyncIterable[bytes] | None
) -> None:
    stdin = process.stdin
    if stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(frame(command.script))
        if isinstance(payload, bytes):
            stdin.write(payload)
        elif payload is not None:
            async for chunk in payload:
                stdin.write(chunk)
                await stdin.drain()
        stdin.close()


async def _read(reader: asyncio.StreamReader | None, collector: Collector, *, told: bool) -> None:
    """`told`: the loader's own first line is not part of the output."""
    if reader is None:
        return
    if told:
        first = await reader.readline()
        if process_group(first.decode(errors="replace")) is None:
            collector.feed(first)
    while data := await reader.read(65536):
        collector.feed(data)
