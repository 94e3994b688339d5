"""Asks the platform's own API over one short connection: is it ready, what does it serve.

For the time of a start, when importing the full client would take the processor from the API server itself.
Called by sequence. Standard library only.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import time
from collections.abc import Callable
from typing import Any

from roost.api.errors import RetryLater
from roost.embedded.layout import Layout
from roost.embedded.ports import LOOPBACK
from roost.embedded.record import Record


class Probe:
    """The administrator's questions to one API server."""

    def __init__(self, layout: Layout, record: Record) -> None:
        self._port = record.ports.api
        self._context = ssl.create_default_context(cafile=str(layout.certificate("platform-ca")))
        self._context.load_cert_chain(layout.certificate("user-admin"), layout.key("user-admin"))

    async def get(self, path: str) -> tuple[int, bytes]:
        """(status, body). Raises OSError or HTTPException where nobody answers."""
        return await asyncio.to_thread(self._get, path)

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection(LOOPBACK, self._port, context=self._context, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    async def wait_ready(self, *, seconds: float, check: Callable[[], None]) -> None:
        """Until /readyz says ok; `check` raises when waiting is vain."""
        end = time.monotonic() + seconds
        while True:
            try:
                status, body = await self.get("/readyz")
                if status == 200:
                    return
                last = failing(body.decode(errors="replace"))
            except (OSError, http.client.HTTPException) as error:
                last = str(error) or type(error).__name__
            check()
            if time.monotonic() >= end:
                raise RetryLater(
                    "ApiNotReady", f"the API on port {self._port} is not ready after {seconds:g} s: {last}"
                )
            await asyncio.sleep(0.04)

    async def serves(self, group_version: str) -> frozenset[str]:
        """Plural names of what the API serves in a group, status subresources left out."""
        status, body = await self.get(f"/apis/{group_version}")
        if status != 200:
            return frozenset()
        answer: dict[str, Any] = json.loads(body)
        return frozenset(item["name"] for item in answer["resources"] if "/" not in item["name"])


def failing(text: str) -> str:
    """What /readyz complains of: its lines that begin with [-]."""
    lines = [line.removeprefix("[-]") for line in text.splitlines() if line.startswith("[-]")]
    return "; ".join(lines) or text.strip()[:300]
