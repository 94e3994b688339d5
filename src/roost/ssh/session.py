"""One kept SSH connection and the commands that run over it: the Connection of the real world.

Made by asyncssh_connector.connect alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Final

import asyncssh

from roost.ssh.connection import Command, Result, Target
from roost.ssh.errors import CommandTimedOut, ConnectionLost, SudoRefused
from roost.ssh.framing import Elevation, exec_line, frame, process_group
from roost.ssh.output import STDERR_LIMIT, STDOUT_LIMIT, Collector, maskers

SESSIONS: Final = 8
"""At once over one connection; sshd's MaxSessions is 10 unless somebody changed it."""
_CHUNK: Final = 64 * 1024
_GRACE: Final = 3.0
_RETRY: Final = 0.1

Process = asyncssh.SSHClientProcess[bytes]


class AsyncsshConnection:
    def __init__(
        self, ssh: asyncssh.SSHClientConnection, target: Target, host_key: str, elevation: Elevation
    ) -> None:
        self._ssh = ssh
        self._target = target
        self._host_key = host_key
        self._elevation: Elevation = elevation
        self._slots = asyncio.Semaphore(SESSIONS)
        self._open = 0

    @property
    def target(self) -> Target:
        return self._target

    @property
    def host_key(self) -> str:
        return self._host_key

    @property
    def closed(self) -> bool:
        return self._ssh.is_closed()

    async def run(
        self,
        command: Command,
        *,
        payload: bytes | AsyncIterable[bytes] | None = None,
        on_line: Callable[[str], None] | None = None,
        timeout: float = 60.0,
    ) -> Result:
        mask, error_mask = maskers(self._target, command.secrets)
        out = Collector(STDOUT_LIMIT, mask, tail=False, on_line=on_line)
        err = Collector(STDERR_LIMIT, error_mask, tail=True)
        async with self._slots:
            running = _Running(await self._start(command))
            try:
                async with asyncio.timeout(timeout):
                    await self._converse(running, command, payload, out, err)
                    await running.process.wait_closed()
            except _PayloadFailedError as failed:
                raise failed.cause from None
            except TimeoutError:
                raise CommandTimedOut(
                    f"{self._where}: {command.title} did not end within {timeout:g} s"
                    f"{_said(err.finish() or out.finish())}; roost ended it and looks at the machine again"
                ) from None
            except (asyncssh.Error, OSError) as error:
                raise self._lost(command, str(error)) from error
            finally:
                await self._end(running)
        return self._result(running.process, command, out.finish(), err.finish())

    async def close(self) -> None:
        self._ssh.close()
        with contextlib.suppress(TimeoutError, asyncssh.Error, OSError):
            async with asyncio.timeout(_GRACE):
                await self._ssh.wait_closed()
        self._ssh.abort()

    @property
    def _where(self) -> str:
        return f"{self._target.name} ({self._target.address}:{self._target.port})"

    async def _start(self, command: Command) -> Process:
        """Opens a session. A server with a lower MaxSessions refuses: then one of ours has to end first."""
        deadline = asyncio.get_running_loop().time() + _GRACE
        while True:
            try:
                self._open += 1
                return await self._ssh.create_process(exec_line(self._elevation), encoding=None)
            except asyncssh.ChannelOpenError as error:
                self._open -= 1
                alone = self._open == 0 and asyncio.get_running_loop().time() > deadline
                if alone or self._ssh.is_closed():
                    raise self._lost(command, f"sshd opens no session: {error.reason}") from error
                # The server counts a session until it has reaped it, a little after we saw its end.
                await asyncio.sleep(_RETRY)
            except (asyncssh.Error, OSError) as error:
                self._open -= 1
                raise self._lost(command, str(error)) from error
            except BaseException:
                self._open -= 1
                raise

    async def _converse(
        self,
        running: _Running,
        command: Command,
        payload: bytes | AsyncIterable[bytes] | None,
        out: Collector,
        err: Collector,
    ) -> None:
        """Both directions at once, so that neither side can block the other. Ends with the output.

        An error of the payload itself (a blob that can't be read) ends the command and is raised.
        """
        process = running.process
        feeder = asyncio.create_task(self._feed(process, command, payload))
        readers = asyncio.gather(running.read(out), _drain(process.stderr, err))
        try:
            # The payload may be endless, or wait for lines that will never come: the output decides.
            await asyncio.wait((feeder, readers), return_when=asyncio.FIRST_COMPLETED)
            if feeder.done():
                feeder.result()
            await readers
        finally:
            feeder.cancel()
            readers.cancel()
            await asyncio.gather(feeder, readers, return_exceptions=True)

    async def _feed(self, process: Process, command: Command, payload: bytes | AsyncIterable[bytes] | None) -> None:
        stdin = process.stdin
        try:
            stdin.write(frame(command.script, sudo_password=self._sudo_password()))
            if isinstance(payload, bytes):
                stdin.write(payload)
            elif payload is not None:
                async for chunk in _told_apart(payload):
                    stdin.write(chunk)
                    await stdin.drain()
            stdin.write_eof()
        except (BrokenPipeError, ConnectionResetError):
            return  # The command ended without reading everything; its exit status tells why.

    def _sudo_password(self) -> str | None:
        if self._elevation != "sudo-password":
            return None
        password = self._target.sudo_password or self._target.password
        return password.reveal() if password is not None else ""

    async def _end(self, running: _Running) -> None:
        """Leaves nothing behind: a command that still runs (timeout, cancelled) is ended with its children."""
        process = running.process
        try:
            if process.exit_status is None and process.exit_signal is None and not self._ssh.is_closed():
                with contextlib.suppress(TimeoutError, asyncssh.Error, OSError):
                    async with asyncio.timeout(_GRACE):
                        if (group := await running.learn()) is not None:
                            await self._kill(group)
        finally:
            self._open -= 1
            process.close()

    async def _kill(self, group: int) -> None:
        killer = await self._ssh.create_process(exec_line(self._elevation), encoding=None)
        killer.stdin.write(frame(f"kill -s TERM -- -{group}", sudo_password=self._sudo_password()))
        killer.stdin.write_eof()
        await killer.wait_closed()

    def _result(self, process: Process, command: Command, stdout: str, stderr: str) -> Result:
        status = process.exit_status
        if process.exit_signal is not None:
            status = 128
            stderr += f"\nended by signal {process.exit_signal[0]}"
        if status is None:
            raise self._lost(command, "the session ended without an exit status")
        if self._elevation != "root" and status == 1 and stderr.startswith("sudo:") and not stdout:
            raise SudoRefused(
                f"{self._where}: user {self._target.user} can no longer become root ({stderr.strip()}); "
                "correct `sudo-password` in the Secret or sudoers on the machine"
            )
        return Result(status, stdout, stderr)

    def _lost(self, command: Command, cause: str) -> ConnectionLost:
        return ConnectionLost(
            f"{self._where}: the connection broke during «{command.title}» ({cause or 'closed by the machine'}); "
            "roost connects again and looks at what was done"
        )


class _Running:
    """A command under way and its process group on the machine, told in the first line that it prints."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._group: int | None = None

    async def learn(self) -> int | None:
        """The process group; None when the command ended without telling."""
        if self._group is None:
            with contextlib.suppress(asyncio.IncompleteReadError):
                self._group = process_group((await self.process.stdout.readuntil(b"\n")).decode(errors="replace"))
        return self._group

    async def read(self, collector: Collector) -> None:
        await self.learn()
        await _drain(self.process.stdout, collector)


class _PayloadFailedError(Exception):
    """Tells an error of the payload, such as a file that can't be read, from one of the connection."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def _told_apart(payload: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in payload:
            yield chunk
    except Exception as error:
        raise _PayloadFailedError(error) from error


async def _drain(reader: asyncssh.SSHReader[bytes], collector: Collector) -> None:
    while data := await reader.read(_CHUNK):
        collector.feed(data)


def _said(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()][-3:]
    return f"; its last words: {' / '.join(lines)}" if lines else ""
