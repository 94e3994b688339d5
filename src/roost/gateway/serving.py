"""The gateway's own certificate and addresses, changed while it runs. Made by run.

Addresses that an administrator adds stand in the ConfigMap `roost-gateway` of the system namespace, so every replica
takes them over and puts them into its certificate. The Secret `gateway-certificate` (kubernetes.io/tls, with an
optional ca.crt) replaces the certificate for clients that name a host; who comes by address alone, as the platform's
own processes do, gets the platform's own.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
import logging
import os
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from roost.api.errors import RoostError
from roost.api.names import SYSTEM_NAMESPACE
from roost.gateway.refusal import Refusal
from roost.kube.lean import ApiAnswer, Lean

EVERY_SECONDS: Final = 20.0
MOST: Final = 50
_BASE: Final = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}"
_MAP: Final = f"{_BASE}/configmaps/roost-gateway"
_SECRET: Final = f"{_BASE}/secrets/gateway-certificate"
_HOST: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")
_LOG: Final = logging.getLogger("roost.gateway")

Renew = Callable[[tuple[str, ...]], None]
"""Issues the platform's own certificate for these names, too, where it does not vouch for them yet."""


class Serving:
    """`tls` is the context that the front listens with."""

    def __init__(self, api: Lean, *, certificate: Path, key: Path, ca: Path, renew: Renew | None) -> None:
        self._api = api
        self._certificate = certificate
        self._key = key
        self._ca = ca
        self._renew = renew
        self._read: tuple[int, int] = (0, 0)
        self._given: ssl.SSLContext | None = None
        self._given_version = ""
        self._given_ca = ""
        self.added: tuple[str, ...] = ()
        """host or host:port, as an administrator wrote them."""
        self.tls = _context()
        self.tls.sni_callback = self._named
        self._reload()

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self.look()
            except (RoostError, OSError, TimeoutError, ValueError) as error:
                _LOG.warning("certificate and addresses not looked at: %s", error)
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        await self._look_at_addresses()
        await self._look_at_certificate()
        self._reload()

    async def change(self, addresses: tuple[str, ...]) -> None:
        """Raises Refusal 422 for what is no address."""
        cleaned = tuple(dict.fromkeys(checked(one) for one in addresses))
        if len(cleaned) > MOST:
            raise Refusal(422, f"addresses: at most {MOST}", cause="BodyInvalid")
        document = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "roost-gateway", "namespace": SYSTEM_NAMESPACE},
            "data": {"addresses": json.dumps(cleaned)},
        }
        await self._api.apply(_MAP, document, manager="roost-gateway")
        await self.look()

    def ca(self) -> str:
        """What clients trust; empty where the system's own authorities vouch for the given certificate."""
        if self._given is not None:
            return self._given_ca
        try:
            return self._ca.read_text()
        except OSError:
            return ""

    async def _look_at_addresses(self) -> None:
        try:
            found = await self._api.call("GET", _MAP)
        except ApiAnswer as answer:
            if answer.code != 404:
                raise
            found = {}
        listed: object = json.loads(cast("dict[str, str]", found.get("data") or {}).get("addresses") or "[]")
        items = cast("list[object]", listed) if isinstance(listed, list) else []
        self.added = tuple(str(one) for one in items[:MOST])
        if self._renew is not None:
            await asyncio.to_thread(self._renew, tuple(host_of(one) for one in self.added))

    async def _look_at_certificate(self) -> None:
        try:
            secret = await self._api.call("GET", _SECRET)
        except ApiAnswer as answer:
            if answer.code != 404:
                raise
            self._given, self._given_version = None, ""
            return
        version = str(secret["metadata"]["resourceVersion"])
        if version == self._given_version:
            return
        self._given_version = version
        data = cast("dict[str, str]", secret.get("data") or {})
        try:
            pem = base64.b64decode(data["tls.crt"]) + b"\n" + base64.b64decode(data["tls.key"])
            self._given = _loaded(pem)
            self._given_ca = base64.b64decode(data.get("ca.crt") or "").decode()
            _LOG.info("the certificate of the Secret gateway-certificate is used")
        except (KeyError, ValueError, ssl.SSLError) as error:
            _LOG.warning("the Secret gateway-certificate can't be used, the former one stays: %s", error)

    def _reload(self) -> None:
        """The platform's own, where the file has changed; new connections get it."""
        status = self._certificate.stat()
        mark = (status.st_mtime_ns, status.st_ino)
        if mark != self._read:
            self.tls.load_cert_chain(self._certificate, self._key)
            self._read = mark

    def _named(self, connection: Any, name: str | None, _context: ssl.SSLContext) -> None:
        if name and name != "localhost" and self._given is not None:
            connection.context = self._given


def checked(address: str) -> str:
    """host or host:port, lower case. Raises Refusal 422."""
    host, port = host_of(address), address.removeprefix(address_of(address))
    try:
        parsed = ipaddress.ip_address(host)
        fine = not (parsed.is_unspecified or parsed.is_multicast)
    except ValueError:
        fine = bool(_HOST.fullmatch(host.lower())) and len(host) <= 253
    if not fine or (port and not re.fullmatch(r":[0-9]{1,5}", port)):
        raise Refusal(422, f"addresses: {address[:100]!r} is no host and no host:port", cause="BodyInvalid")
    return address.lower()


def address_of(address: str) -> str:
    """The host part as written, brackets and all."""
    if address.startswith("["):
        return address.partition("]")[0] + "]"
    return address if address.count(":") > 1 else address.partition(":")[0]


def host_of(address: str) -> str:
    return address_of(address).strip("[]")


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # HTTP/1.1 alone: what is upgraded can't go over HTTP/2.
    context.set_alpn_protocols(["http/1.1"])
    return context


def _loaded(pem: bytes) -> ssl.SSLContext:
    # ssl reads keys from paths only; memfd keeps this one off the disk.
    descriptor = os.memfd_create("gateway-certificate", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, pem)
        context = _context()
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        return context
    finally:
        os.close(descriptor)
