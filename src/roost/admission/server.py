"""The webhook's process: HTTPS on 127.0.0.1, `POST /validate` and `GET /healthz`. Started by `roost up`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from roost.admission.configuration import PATH, TIMEOUT
from roost.admission.review import NotAReview, review
from roost.admission.secrets import Access, ApiAccess
from roost.admission.view import View
from roost.api.errors import RoostError
from roost.kube.client import Client, connect

LARGEST: Final = 8 * 1024 * 1024
"""Bytes of a request: an object has at most 1.5 MiB, and an update carries two."""
GRACE: Final = 5
"""Seconds that requests under way are given at the end."""
_LOG: Final = logging.getLogger("roost.admission")


def app(view: View, access: Access) -> Starlette:
    """The web application; it answers 503 until the view has seen everything."""

    async def validate(request: Request) -> Response:
        body = await request.body()
        if len(body) > LARGEST:
            return PlainTextResponse("too large", status_code=413)
        try:
            async with asyncio.timeout(TIMEOUT - 1):
                await view.synced.wait()
                return JSONResponse(await review(json.loads(body), view, access))
        except (NotAReview, ValueError) as error:
            return PlainTextResponse(str(error), status_code=400)
        except TimeoutError:
            return PlainTextResponse("roost's webhook has not read what exists yet; try again", status_code=503)
        except RoostError as error:
            _LOG.warning("%s", error.message)
            return PlainTextResponse(error.message, status_code=503)

    async def healthz(_request: Request) -> Response:
        if view.synced.is_set():
            return PlainTextResponse("ok")
        return PlainTextResponse("has not read what exists yet", status_code=503)

    return Starlette(routes=[Route(PATH, validate, methods=["POST"]), Route("/healthz", healthz)])


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which would end the process by the signal again."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        yield

    def stop(self) -> None:
        self.should_exit = True


def serve(*, kubeconfig: Path, certificate: Path, key: Path, port: int, ready: Path, served: Path) -> None:
    """Blocks until SIGTERM or SIGINT. `ready` exists while requests are answered.

    Listens at once, so that it costs no time beside a starting API server; asks that only once `served` exists.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # One line per request of the HTTP client would bury what matters.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    asyncio.run(_serve(kubeconfig, certificate, key, port, ready, served))


async def _serve(kubeconfig: Path, certificate: Path, key: Path, port: int, ready: Path, served: Path) -> None:
    view = View()
    client = connect(kubeconfig, timeout=TIMEOUT - 1)
    config = uvicorn.Config(
        app(view, ApiAccess(client)),
        host="127.0.0.1",
        port=port,
        ssl_certfile=certificate,
        ssl_keyfile=str(key),
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=GRACE,
        # The API server keeps its connections open between requests.
        timeout_keep_alive=120,
    )
    server = _Server(config)
    following = asyncio.create_task(_follow(view, client, served))
    # Without the watches the view would grow old silently; the supervisor starts the process again.
    following.add_done_callback(lambda _task: server.stop())
    telling = asyncio.create_task(_tell(view, server, ready))
    try:
        await server.serve()
    finally:
        ready.unlink(missing_ok=True)
        for task in (following, telling):
            task.cancel()
        ended = await asyncio.gather(following, telling, return_exceptions=True)
        await client.close()
        for end in ended:
            if isinstance(end, Exception):
                raise end


async def _follow(view: View, client: Client, served: Path) -> None:
    while not served.exists():
        await asyncio.sleep(0.02)
    await view.follow(client)


async def _tell(view: View, server: uvicorn.Server, ready: Path) -> None:
    await view.synced.wait()
    while not server.started:
        await asyncio.sleep(0.01)
    ready.touch(mode=0o600)
