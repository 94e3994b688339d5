"""TLS by name, strict heads, and bytes passed on from the registry on loopback. Called by process.

Only requests without a body are taken, so that there is nothing to smuggle: what is let through is asked anew of
the registry, over a connection of its own, in words that are written here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from roost.api.masked import Masked
from roost.bundle.external import External
from roost.embedded.front import rules
from roost.embedded.front.rules import Answer

HEAD_LIMIT: Final = 16 * 1024
HEAD_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 60.0
STALL_SECONDS: Final = 120.0
"""A client that takes nothing for this long is let go."""
MOST: Final = 512
_BLOCK: Final = 256 * 1024
_REQUEST: Final = re.compile(rb"(?P<method>[A-Z]{3,7}) (?P<target>/[!-~]*) HTTP/1\.1")
_FIELD: Final = re.compile(rb"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(?P<value>[\t -~]*)")
_PASSED_ON: Final = frozenset({"accept", "range", "if-none-match", "if-modified-since", "user-agent"})
_HOP: Final = frozenset({"connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"})


class BadRequest(Exception):
    """A head that is not taken."""


@dataclass(frozen=True)
class Head:
    """One request's head; names of fields in lower case."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        found = [value for known, value in self.fields if known == name]
        if len(found) > 1 and name != "accept":
            raise BadRequest(f"{name} is given twice")
        return ", ".join(found)


def parse(raw: bytes) -> Head:
    """Raises BadRequest."""
    first, *lines = raw.removesuffix(b"\r\n\r\n").split(b"\r\n")
    request = _REQUEST.fullmatch(first)
    if request is None:
        raise BadRequest("the request line is not of HTTP/1.1")
    fields: list[tuple[str, str]] = []
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise BadRequest("a header is malformed")
        fields.append((found["name"].decode().lower(), found["value"].decode().strip()))
    head = Head(request["method"].decode(), request["target"].decode(), tuple(fields))
    if head.get("transfer-encoding") or head.get("content-length") not in ("", "0"):
        raise BadRequest("requests with a body are not taken here")
    if not head.get("host"):
        raise BadRequest("Host is missing")
    return head


def context_for(external: External) -> ssl.SSLContext:
    """What proves the name. The key never touches a disk. Raises ssl.SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    descriptor = os.memfd_create("registry-address", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, f"{external.key_pem.reveal()}\n{external.certificate_pem}\n".encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    return context


class Front:
    """Serves one name, which may change while connections go on."""

    def __init__(
        self,
        *,
        upstream: tuple[str, int],
        key: Masked,
        log: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._upstream = upstream
        self._key = key
        self._log = log
        self._clock = clock
        self._name = ""
        self._inner: ssl.SSLContext | None = None
        self._slots = asyncio.Semaphore(MOST)
        self._outer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._outer.minimum_version = ssl.TLSVersion.TLSv1_2
        self._outer.set_alpn_protocols(["http/1.1"])
        self._outer.sni_callback = self._choose

    async def listen(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(
            self._connected, host, port, ssl=self._outer, ssl_handshake_timeout=HEAD_SECONDS, limit=HEAD_LIMIT
        )

    def serve(self, external: External | None) -> None:
        """From the next connection on under this name, with this certificate; None: under none."""
        self._inner = context_for(external) if external else None
        self._name = external.host if external else ""

    def _choose(self, connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        if self._inner is None or name is None or name.lower() != self._name:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = self._inner
        return None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with self._slots:
                limit = HEAD_SECONDS
                while await self._one(reader, writer, limit):
                    limit = IDLE_SECONDS
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # The client went, or was too slow; nothing is half done here.
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 5)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: float) -> bool:
        """One request; whether the connection goes on."""
        async with asyncio.timeout(limit):
            raw = await reader.readuntil(b"\r\n\r\n")
        try:
            head = parse(raw)
            if head.get("host").rsplit(":", 1)[0].lower() != self._name:
                raise BadRequest("Host is another name than the one that TLS was asked for")
        except BadRequest as problem:
            await _write(writer, rules.error(400, "UNSUPPORTED", str(problem)), head_only=False, goes_on=False)
            return False
        decided = rules.decide(
            head.method,
            head.target,
            head.get("authorization"),
            host=head.get("host"),
            key=self._key,
            now=self._clock(),
        )
        if isinstance(decided, Answer):
            await _write(writer, decided, head_only=head.method == "HEAD", goes_on=True)
            return True
        try:
            return await self._pass_on(head, writer)
        except ConnectionRefusedError:
            self._log(f"the registry on {self._upstream[0]}:{self._upstream[1]} does not answer")
            answer = rules.error(503, "UNAVAILABLE", "the registry is starting", ("Retry-After", "5"))
            await _write(writer, answer, head_only=head.method == "HEAD", goes_on=False)
            return False

    async def _pass_on(self, head: Head, writer: asyncio.StreamWriter) -> bool:
        upstream, sender = await asyncio.open_connection(*self._upstream, limit=HEAD_LIMIT)
        try:
            fields = [(name, value) for name, value in head.fields if name in _PASSED_ON]
            asked = [f"{head.method} {head.target} HTTP/1.1", f"Host: {self._upstream[0]}", "Connection: close"]
            asked += [f"{name}: {value}" for name, value in fields]
            sender.write(("\r\n".join(asked) + "\r\n\r\n").encode())
            first, *lines = (await upstream.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
            kept = [line for line in lines if line.partition(b":")[0].decode().lower() not in _HOP]
            length = next((line for line in kept if line.lower().startswith(b"content-length:")), None)
            goes_on = head.method == "HEAD" or length is not None
            kept.append(b"Connection: " + (b"keep-alive" if goes_on else b"close"))
            writer.write(b"\r\n".join([first, *kept]) + b"\r\n\r\n")
            while chunk := await upstream.read(_BLOCK):
                writer.write(chunk)
                async with asyncio.timeout(STALL_SECONDS):
                    await writer.drain()
            return goes_on
        finally:
            sender.close()


async def _write(writer: asyncio.StreamWriter, answer: Answer, *, head_only: bool, goes_on: bool) -> None:
    lines = [f"HTTP/1.1 {answer.status} {'OK' if answer.status == 200 else 'Refused'}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines += [f"Content-Length: {len(answer.body)}", "Docker-Distribution-Api-Version: registry/2.0"]
    lines += ["X-Content-Type-Options: nosniff", f"Connection: {'keep-alive' if goes_on else 'close'}"]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + (b"" if head_only else answer.body))
    async with asyncio.timeout(STALL_SECONDS):
        await writer.drain()
