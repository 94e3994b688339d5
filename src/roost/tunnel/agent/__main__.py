"""`python -m roost.tunnel.agent`: the process in the agent's container. Logs one JSON document per line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

from roost.tunnel.agent import settings
from roost.tunnel.agent.agent import Agent, Ended

TERMINATION: Final = Path("/dev/termination-log")


def log(what: str, **facts: object) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sys.stdout.write(json.dumps({"time": now, "what": what, **facts}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


async def _run(chosen: settings.Settings) -> int:
    agent = Agent(chosen, log)
    loop = asyncio.get_running_loop()
    work = loop.create_task(agent.run())
    server = await asyncio.start_server(lambda r, w: _probe(agent, r, w), None, chosen.health_port)
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        agent.say_goodbye("the agent's pod was stopped")
        work.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await work
    except Ended as ended:
        agent.say_goodbye(str(ended))
        _last_word(str(ended))
        log("ended", cause=str(ended))
        return ended.code
    except asyncio.CancelledError:
        if not stopped:
            raise
        # Goodbyes leave with the next turn of the loop.
        await asyncio.sleep(0.2)
    finally:
        server.close()
    return 0


async def _probe(agent: Agent, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """`/readyz` for the kubelet; the reason of a failure stands in the pod's events."""
    with contextlib.suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(5):
            line = await reader.readline()
            up, why = agent.ready
            up = up or line.startswith(b"GET /livez")
            body = why.encode()
            status = b"200 OK" if up else b"503 Service Unavailable"
            writer.write(
                b"HTTP/1.1 %b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
                b"Connection: close\r\n\r\n%b" % (status, len(body), body)
            )
            await writer.drain()
    writer.close()


def _last_word(cause: str) -> None:
    """`kubectl describe pod` shows it."""
    with contextlib.suppress(OSError):
        if TERMINATION.exists():
            TERMINATION.write_text(cause[:2000])


def main() -> int:
    try:
        chosen = settings.load(os.environ)
    except settings.SettingsInvalid as error:
        log("ended", cause=str(error))
        _last_word(str(error))
        return 1
    return asyncio.run(_run(chosen))


if __name__ == "__main__":
    sys.exit(main())
