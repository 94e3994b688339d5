"""Calls of the helper on a machine whose answers are lines of JSON: dial, listen, vrrp.

Called by providers' preflight. The helper is sent where it is missing and stays (probing.leave takes it away);
nothing outside /run is written. `probing.ask` is the one that judges servers by a given CA.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from roost.api.errors import RetryLater
from roost.node import scripts
from roost.node.protocol import ActLog
from roost.node.staging import Feed, Staging, pack
from roost.node.thing import BlobSource
from roost.ssh.connection import Command, Connection

_TIMEOUT: Final = 120.0
"""Beside the call's own time: the helper may travel over a slow line first."""

Line = dict[str, Any]


@dataclass(frozen=True)
class Helper:
    """roost-probe for one machine."""

    connection: Connection
    cluster_id: str
    blobs: BlobSource
    digest: str
    """Of the program for the machine's architecture."""

    async def stage(self) -> None:
        """Sends it where it is missing, so that calls on several machines begin together."""
        await self._run((), seconds=0.0, told=lambda _line: None, until=None)

    async def call(self, *words: str, seconds: float) -> list[Line]:
        """Runs it to its end, which takes about `seconds`. Raises RetryLater and errors of ssh.errors."""
        lines: list[Line] = []
        await self._run(words, seconds=seconds, told=lines.append, until=None)
        return lines

    async def hold(self, *words: str, seconds: float, told: Callable[[Line], None], until: asyncio.Event) -> None:
        """Runs it until the event is set; `told` gets each line as it comes. Raises as `call` does."""
        await self._run(words, seconds=seconds, told=told, until=until)

    async def _run(
        self, words: Sequence[str], *, seconds: float, told: Callable[[Line], None], until: asyncio.Event | None
    ) -> None:
        tar = pack({})
        feed = Feed(Staging(tar, keys=[self.digest]), self.blobs)
        ending: list[asyncio.Task[None]] = []

        async def end(event: asyncio.Event) -> None:
            await event.wait()
            feed.end()

        def staged() -> None:
            if until is None:
                feed.end()
            else:
                ending.append(asyncio.create_task(end(until)))

        def line(text: str) -> None:
            try:
                said = json.loads(text)
            except ValueError:
                return  # Words for people, such as those of a shell.
            if isinstance(said, dict):
                told(cast("Line", said))

        log = ActLog(on_step=lambda _step: None, on_line=line, on_want=feed.want, on_staged=staged)
        script = scripts.call_script(
            self.cluster_id,
            token=secrets.token_hex(6),
            tar_size=len(tar),
            probe=self.digest.removeprefix("sha256:"),
            words=words,
            held=until is not None,
        )
        try:
            result = await self.connection.run(
                Command("try what passes between machines", script),
                payload=feed.stream(),
                on_line=log.feed,
                timeout=_TIMEOUT + seconds,
            )
        finally:
            for task in ending:
                task.cancel()
        if result.exit_status != 0:
            target = self.connection.target
            said = "; ".join((result.stderr or result.stdout).strip().splitlines()[-3:])
            raise RetryLater(
                "ObserveFailed",
                f"{target.name} ({target.address}:{target.port}): the helper that tries connections broke off with "
                f"exit status {result.exit_status} ({said or 'it printed nothing'}); roost tries again",
            )
