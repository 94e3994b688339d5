"""The one way to a Kubernetes API: lightkube's typed client, and raw calls on the same connections.

Called by every room that talks to an API (controllers, embedded, the provider, the CLI) with a
kubeconfig. Raw calls (`call`, `lines`) are for objects whose kind is known only at run time: apply,
watch, discovery and wait stand on them.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import httpx2
import lightkube
import msgspec
from lightkube.config.kubeconfig import SingleConfig
from lightkube.config.models import Cluster, Context, User
from lightkube.core.exceptions import ApiError
from lightkube.core.internal_models import meta_v1

from roost.api.names import FIELD_MANAGER
from roost.kube.kubeconfig import Access, Kubeconfig, parse
from roost.kube.tls import tls_context

Json = dict[str, Any]

APPLY: Final = "application/apply-patch+yaml"
MERGE: Final = "application/merge-patch+json"

# A peer that vanished (a cut cable, a stopped tunnel) is noticed within 30 s even on a silent watch.
_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000),
)


class Client(lightkube.AsyncClient):
    """lightkube.AsyncClient with raw calls beside it. Errors: lightkube's ApiError, httpx2's HTTPError."""

    def __init__(self, access: Access, *, timeout: float, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        transport = transport or transport_for(access)
        headers, auth = _sign_in(access)
        limit = httpx2.Timeout(timeout)
        self.server = access.server
        # TLS is the transport's; lightkube must not read files, the environment or ~/.kube.
        super().__init__(
            config=SingleConfig(
                context_name="roost",
                context=Context(cluster="roost", namespace=access.namespace),
                cluster=Cluster(server=access.server, insecure=True),
                user=User(
                    token=access.token.reveal() if access.token else None,
                    username=access.username,
                    password=access.password.reveal() if access.password else None,
                ),
            ),
            timeout=limit,
            trust_env=False,
            field_manager=FIELD_MANAGER,
            transport=transport,
        )
        self.http = httpx2.AsyncClient(
            base_url=access.server, headers=headers, auth=auth, timeout=limit, trust_env=False, transport=transport
        )
        self.discovered: dict[str, Json] = {}
        """Answers of the discovery API by group and version; kept by kube/discovery."""

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | bool] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        timeout: float | None = None,
    ) -> Json:
        """One request; gives the decoded JSON. Raises ApiError for what the API refuses."""
        response = await self.http.request(
            method,
            path,
            params=_query(query),
            content=None if body is None else msgspec.json.encode(body),
            headers={"Accept": "application/json"} | ({} if body is None else {"Content-Type": content_type}),
            timeout=httpx2.USE_CLIENT_DEFAULT if timeout is None else httpx2.Timeout(timeout),
        )
        _raise_for_status(response)
        return msgspec.json.decode(response.content) if response.content else {}

    async def text(self, path: str, *, query: Mapping[str, str | int | bool] | None = None) -> str:
        """One GET that answers with plain text, such as /readyz."""
        response = await self.http.get(path, params=_query(query))
        _raise_for_status(response)
        return response.text

    @asynccontextmanager
    async def lines(
        self, path: str, *, query: Mapping[str, str | int | bool], read_timeout: float
    ) -> AsyncGenerator[AsyncIterator[str]]:
        """A GET whose answer is lines without end, such as a watch."""
        timeout = httpx2.Timeout(10.0, read=read_timeout, pool=None)
        async with self.http.stream("GET", path, params=_query(query), timeout=timeout) as response:
            if response.is_error:
                await response.aread()
                _raise_for_status(response)
            yield response.aiter_lines()

    async def close(self) -> None:
        """Ends both clients; they share one pool of connections."""
        await self.http.aclose()


def connect(
    kubeconfig: Kubeconfig,
    *,
    timeout: float = 10.0,
    context: str | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> Client:
    """A client for the kubeconfig's current (or given) context. Opens no connection yet.

    `transport` is for tests and for ways other than a direct connection.
    """
    return Client(parse(kubeconfig, context=context), timeout=timeout, transport=transport)


class SharedTransport(httpx2.AsyncBaseTransport):
    """Connections of one server that many short-lived clients use; closing a client leaves them."""

    def __init__(self, access: Access) -> None:
        self._own = transport_for(access)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._own.handle_async_request(request)

    async def aclose(self) -> None:
        """Ends with its process."""


def transport_for(access: Access) -> httpx2.AsyncHTTPTransport:
    """Pooled connections with the kubeconfig's CA and client certificate."""
    return httpx2.AsyncHTTPTransport(
        verify=tls_context(access),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=32, keepalive_expiry=60),
        socket_options=_KEEPALIVE,
    )


def _sign_in(access: Access) -> tuple[list[tuple[str, str]], httpx2.Auth | None]:
    headers: list[tuple[str, str]] = []
    if access.impersonate:
        user, groups = access.impersonate
        headers += [("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups)]
    if access.token:
        return [*headers, ("Authorization", f"Bearer {access.token.reveal()}")], None
    if access.username and access.password:
        return headers, httpx2.BasicAuth(access.username, access.password.reveal())
    return headers, None


def _query(query: Mapping[str, str | int | bool] | None) -> dict[str, str] | None:
    if query is None:
        return None
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in query.items()}


def _raise_for_status(response: httpx2.Response) -> None:
    if not response.is_error:
        return
    if response.headers.get("content-type", "").startswith("application/json"):
        document = cast("Json", msgspec.json.decode(response.content))
        if document.get("kind") == "Status":
            raise ApiError(request=response.request, response=response)
    status = meta_v1.Status(code=response.status_code, message=response.text[:500] or response.reason_phrase)
    raise ApiError(request=response.request, status=status)
