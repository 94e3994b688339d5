"""The way out: one TLS connection to the platform, through an HTTP (CONNECT) or SOCKS5 proxy if one is told.

Names are resolved by the proxy. Called by `link` (the tunnel) and `enrol` (the certificate).
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

from roost.wire import connecting

P = TypeVar("P", bound=asyncio.Protocol)
SECONDS: Final = 15.0
_SOCKS: Final = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "took too long",
}


class NoWay(OSError):
    """The platform can't be reached; says which leg broke."""


@dataclass(frozen=True)
class Way:
    """How to get to the platform."""

    ca_pem: str
    proxy: str = ""

    async def open(self, url: str, protocol: Callable[[], P]) -> P:
        """A connection to https://host[:port]. Raises NoWay."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        context = ssl.create_default_context(cadata=self.ca_pem) if self.ca_pem else ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        try:
            async with asyncio.timeout(SECONDS):
                _, made = await connecting.secure(await self._connect(host, port), context, host, protocol)
        except TimeoutError as error:
            raise NoWay(f"{host}:{port} did not answer within {SECONDS:g} s{self._through()}") from error
        except ssl.SSLCertVerificationError as error:
            raise NoWay(f"the certificate of {host}:{port} is not trusted: {error.verify_message}") from error
        except NoWay:
            raise
        except OSError as error:
            raise NoWay(f"{host}:{port} is not reached{self._through()}: {error}") from error
        return made

    def _through(self) -> str:
        return f" through the proxy {urlsplit(self.proxy).hostname}" if self.proxy else ""

    async def _connect(self, host: str, port: int) -> socket.socket:
        if not self.proxy:
            return await connecting.reach(host, port)
        proxy = urlsplit(self.proxy)
        if proxy.scheme not in {"http", "socks5"} or not proxy.hostname:
            raise NoWay("the proxy must be http://host:port or socks5://host:port")
        plain = await connecting.reach(proxy.hostname, proxy.port or (1080 if proxy.scheme == "socks5" else 3128))
        user, password = unquote(proxy.username or ""), unquote(proxy.password or "")
        try:
            if proxy.scheme == "http":
                await _through_http(plain, host, port, user, password)
            else:
                await _through_socks(plain, host, port, user, password)
        except BaseException:
            plain.close()
            raise
        return plain


async def _through_http(plain: socket.socket, host: str, port: int, user: str, password: str) -> None:
    loop = asyncio.get_running_loop()
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    request = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"
    if user:
        request += f"Proxy-Authorization: Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}\r\n"
    await loop.sock_sendall(plain, request.encode() + b"\r\n")
    answer = b""
    while b"\r\n\r\n" not in answer:
        # One byte at a time: what follows the answer is TLS and not ours.
        piece = await loop.sock_recv(plain, 1)
        if not piece or len(answer) > 16384:
            raise NoWay("the HTTP proxy closed the connection")
        answer += piece
    parts = answer.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(parts) < 2 or parts[1] != b"200":
        raise NoWay(f"the HTTP proxy refused: {b' '.join(parts[1:])[:100].decode('latin-1')}")


async def _through_socks(plain: socket.socket, host: str, port: int, user: str, password: str) -> None:
    loop = asyncio.get_running_loop()

    async def exactly(count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = await loop.sock_recv(plain, count - len(data))
            if not piece:
                raise NoWay("the SOCKS5 proxy closed the connection")
            data += piece
        return data

    await loop.sock_sendall(plain, b"\x05\x02\x00\x02" if user else b"\x05\x01\x00")
    version, method = await exactly(2)
    if version != 5 or method not in {0, 2}:
        raise NoWay("the SOCKS5 proxy takes no way of signing in that the agent knows")
    if method == 2:
        name, secret = user.encode()[:255], password.encode()[:255]
        await loop.sock_sendall(plain, bytes([1, len(name)]) + name + bytes([len(secret)]) + secret)
        if (await exactly(2))[1]:
            raise NoWay("the SOCKS5 proxy refused the user or the password")
    name = host.encode("idna")
    await loop.sock_sendall(plain, b"\x05\x01\x00\x03" + bytes([len(name)]) + name + port.to_bytes(2, "big"))
    _, code, _, kind = await exactly(4)
    if code:
        raise NoWay(f"the SOCKS5 proxy could not connect: {_SOCKS.get(code, f'code {code}')}")
    length = {1: 4, 4: 16}.get(kind) or (await exactly(1))[0]
    await exactly(length + 2)
