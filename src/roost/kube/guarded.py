"""Reaches an API server whose address somebody gave: each address that its name stands for is tested, at each dial.

The platform would otherwise connect to whatever a Cluster names: its own etcd, a cloud's metadata service, a host
that a name is made to point to a moment after it was checked (rebinding). So the tested address itself is dialled,
and the certificate is still checked for the name. Called by providers/imported.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx2

from roost.api.errors import PermanentFailure, RetryLater
from roost.kube.client import Client, transport_for
from roost.kube.direct import Address, not_here
from roost.kube.kubeconfig import Access

AGAIN_AFTER: Final = 30.0
"""Seconds for which tested addresses are used before the name is asked for again."""
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class AddressRefused(PermanentFailure):
    def __init__(self, message: str) -> None:
        super().__init__("AddressNotAllowed", message)


async def resolve_name(host: str, port: int) -> Sequence[str]:
    """Every address of a name, by the computer's own resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


@dataclass(frozen=True)
class Policy:
    """Which addresses a cluster may have."""

    allowed: Callable[[Address], bool] = not_here
    platform: frozenset[str] = frozenset()
    """Addresses of the platform itself."""
    platform_ports: range = range(0)
    """Ports there that no cluster has."""
    resolve: Resolve = resolve_name


@dataclass(frozen=True)
class Place:
    """A URL taken apart. `name`: what the certificate must be for."""

    host: str
    port: int
    name: str


def place(access: Access) -> Place:
    """Raises AddressRefused for a URL that is more than https://HOST[:PORT]."""
    parts = urlsplit(access.server)
    try:
        port = parts.port or 443
    except ValueError as error:
        raise AddressRefused(f"{access.server}: the port is no number from 1 to 65535") from error
    if parts.scheme != "https" or not parts.hostname:
        raise AddressRefused(f"{access.server!r} is no https:// URL of an API server")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("the API's URL holds a user name or password; give the credential apart from it")
    if parts.query or parts.fragment or ".." in parts.path or "%" in parts.path:
        raise AddressRefused("the API's URL holds more than host, port and a plain path; give https://HOST:PORT")
    return Place(parts.hostname, port, access.server_name or parts.hostname)


async def addresses(where: Place, policy: Policy) -> list[str]:
    """What the name stands for, if every one of it is allowed. Raises AddressRefused, RetryLater NameNotFound."""
    try:
        found = await policy.resolve(where.host, where.port)
    except OSError as error:
        raise RetryLater(
            "NameNotFound", f"the name {where.host} has no address ({error.strerror or error}); check it, and DNS"
        ) from error
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        if not policy.allowed(mapped):
            raise AddressRefused(
                f"{where.host} stands for {text}, which is loopback, link-local, multicast or reserved: no cluster "
                "lives there as seen from the platform; give an address that the platform reaches over a network"
            )
        if str(mapped) in policy.platform and where.port in policy.platform_ports:
            raise AddressRefused(
                f"{where.host}:{where.port} is the platform itself; give the address of the cluster's own API"
            )
    if not found:
        raise RetryLater("NameNotFound", f"the name {where.host} has no address; check it, and DNS")
    return list(found)


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Dials only what was tested, and has the certificate checked for the name."""

    def __init__(self, access: Access, policy: Policy) -> None:
        self._inner = transport_for(access)
        self._place = place(access)
        self._policy = policy
        self._known: list[str] = []
        self._until = 0.0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if not self._known or time.monotonic() >= self._until:
            self._known = await addresses(self._place, self._policy)
            self._until = time.monotonic() + AGAIN_AFTER
        request.url = request.url.copy_with(host=self._known[0])
        request.extensions = {**request.extensions, "sni_hostname": self._place.name}
        try:
            return await self._inner.handle_async_request(request)
        except httpx2.ConnectError:
            # Another of its addresses next time.
            self._known.append(self._known.pop(0))
            raise

    async def aclose(self) -> None:
        await self._inner.aclose()


def connect_guarded(access: Access, policy: Policy, *, timeout: float = 10.0) -> Client:
    """A client that can only reach what the policy allows. Raises AddressRefused for a URL that is none."""
    return Client(access, timeout=timeout, transport=GuardedTransport(access, policy))
