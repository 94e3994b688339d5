"""Fetches files over HTTP: bounded, resumable, checked, retried, through proxies of the environment.

Called by create (files of download sites) and pull (registries). Plain urllib in the caller's threads:
a bundle is some thirty large files, for which threads are simpler than an event loop and as fast.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import random
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import BinaryIO, Final, Protocol, TypeVar, cast
from urllib.parse import urlsplit

from roost.bundle.errors import ChecksumMismatch, DownloadFailed, UpstreamRefused
from roost.bundle.layout import CHUNK

_T = TypeVar("_T")


class Hash(Protocol):
    """What hashlib gives; its own type has no public name."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_STORAGE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO})
USER_AGENT: Final = "roost"
DOCUMENT_LIMIT: Final = 8 << 20


class HttpStatus(Exception):
    """An answer other than 200 or 206. Handled here or by pull, never shown as it is."""

    def __init__(self, url: str, status: int, headers: Mapping[str, str], body: str) -> None:
        super().__init__(f"{url}: HTTP {status}")
        self.url = url
        self.status = status
        self.headers = headers
        self.body = body


class Stopped(Exception):
    """The run was cancelled from another thread; what was fetched stays for the next run."""


@dataclass(frozen=True)
class Answer:
    """A document, with the headers that matter (lower-case names)."""

    content: bytes
    headers: Mapping[str, str]


class Watch:
    """Sees one download; this one looks away. Called from the downloading thread."""

    def came(self, count: int) -> None:
        """More bytes are there; negative when some have to be fetched again."""

    def total(self, size: int) -> None:
        """The size that the server announced."""


@dataclass
class Fetcher:
    """Settings of one run and its stop switch. Safe for use from several threads."""

    timeout: float = 30.0
    """Seconds without a byte after which a connection counts as lost."""
    attempts: int = 5
    sleep: Callable[[float], None] = time.sleep
    stop: threading.Event = field(default_factory=threading.Event)
    _targets: dict[Path, threading.Lock] = field(default_factory=dict[Path, threading.Lock])
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def read(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """A small document. Raises DownloadFailed or HttpStatus."""

        def once() -> Answer:
            with closing(_open(url, headers or {}, self.timeout)) as response:
                content = response.read(DOCUMENT_LIMIT + 1)
                if len(content) > DOCUMENT_LIMIT:
                    raise UpstreamRefused(
                        f"{url}: a document of more than {DOCUMENT_LIMIT >> 20} MiB is not what it should be"
                    )
                return Answer(content, _lower(response.headers))

        return self._again(url, once)

    def download(
        self,
        url: str,
        target: Path,
        digest: str,
        *,
        headers: Mapping[str, str] | None = None,
        watch: Watch | None = None,
    ) -> None:
        """The bytes of `url` at `target`, which exists only when they have `digest`.

        What an earlier run left beside it (`NAME.part`) is continued by Range. A continued file with
        a wrong digest is fetched once more from its start before ChecksumMismatch is raised.
        """
        with self._guard:
            lock = self._targets.setdefault(target, threading.Lock())
        with lock:
            if not target.exists():
                self._complete(url, target, digest, headers or {}, watch or Watch())

    def _complete(
        self,
        url: str,
        target: Path,
        digest: str,
        headers: Mapping[str, str],
        watch: Watch,
    ) -> None:
        part = target.with_name(f"{target.name}.part")
        resumed = part.exists() and part.stat().st_size > 0
        found = self._fetch(url, part, headers, watch)
        if found != digest and resumed:
            watch.came(-part.stat().st_size)
            part.unlink()
            found = self._fetch(url, part, headers, watch)
        if found != digest:
            size = part.stat().st_size
            part.unlink()
            raise ChecksumMismatch(
                f"{url}: expected {digest}, found {found} ({size} bytes). The file or its checksum was changed "
                "or a proxy altered it; try again, and compare with another mirror if it stays so"
            )
        part.rename(target)

    def _fetch(self, url: str, part: Path, headers: Mapping[str, str], watch: Watch) -> str:
        """Bring `part` to the whole of `url`, as far as length tells. Returns its digest."""
        state = hashlib.sha256()
        with part.open("a+b") as stream:
            stream.seek(0)
            while piece := stream.read(CHUNK):
                state.update(piece)
                watch.came(len(piece))
            transfer = _Transfer(url, stream, state, watch, self)
            self._again(url, lambda: transfer.run(headers))
            stream.flush()
            os.fsync(stream.fileno())
            return f"sha256:{transfer.state.hexdigest()}"

    def _again(self, url: str, act: Callable[[], _T]) -> _T:
        """Repeat what may pass by itself: 0.5, 1, 2, 4 s, with jitter."""
        cause = "no attempt was allowed"
        for attempt in range(1, self.attempts + 1):
            if self.stop.is_set():
                raise Stopped
            try:
                return act()
            except HttpStatus as error:
                if error.status not in _TRANSIENT:
                    raise
                cause = f"the server answered {error.status} {error.body[:200]}".rstrip()
            except (OSError, http.client.HTTPException) as error:
                if is_storage(error):
                    raise
                if isinstance(getattr(error, "reason", error), ssl.SSLCertVerificationError):
                    raise _untrusted(url, error) from error
                cause = _cause(error)
            if attempt < self.attempts:
                self.sleep(0.5 * 2 ** (attempt - 1) * random.uniform(0.8, 1.2))  # noqa: S311 (jitter)
        raise DownloadFailed(
            f"{url}: {cause}, {self.attempts} times. Check that this computer reaches {urlsplit(url).hostname} "
            "(HTTPS_PROXY and NO_PROXY are honoured), or name a mirror with --mirror; what was fetched is kept"
        )


class _Transfer:
    """One file on its way, over as many connections as it takes."""

    def __init__(self, url: str, stream: BinaryIO, state: Hash, watch: Watch, fetcher: Fetcher) -> None:
        self.url = url
        self.stream = stream
        self.state = state
        self.watch = watch
        self.fetcher = fetcher

    def run(self, headers: Mapping[str, str]) -> None:
        start = self.stream.seek(0, os.SEEK_END)
        wanted = {**headers, "Range": f"bytes={start}-"} if start else dict(headers)
        try:
            response = _open(self.url, wanted, self.fetcher.timeout)
        except HttpStatus as error:
            if error.status == 416 and start:
                return  # Nothing lies beyond what is here; the digest decides.
            raise
        with closing(response):
            if start and response.status != 206:
                self._restart(start)
            length = response.headers.get("Content-Length")
            expected = None if length is None else int(length)
            if expected is not None:
                self.watch.total(expected + self.stream.seek(0, os.SEEK_END))
            came = self._copy(response)
            if expected is not None and came != expected:
                raise http.client.IncompleteRead(b"", expected - came)

    def _restart(self, start: int) -> None:
        """The server ignores ranges and sends the file from its start."""
        self.stream.truncate(0)
        self.state = hashlib.sha256()
        self.watch.came(-start)

    def _copy(self, response: http.client.HTTPResponse) -> int:
        came = 0
        while piece := response.read1(CHUNK):
            self.stream.write(piece)
            self.stream.flush()  # What came is there for the next run, even after SIGKILL.
            self.state.update(piece)
            came += len(piece)
            self.watch.came(len(piece))
            if self.fetcher.stop.is_set():
                raise Stopped
        return came


def _open(url: str, headers: Mapping[str, str], timeout: float) -> http.client.HTTPResponse:
    if not url.startswith(("https://", "http://")):
        raise UpstreamRefused(f"{url!r} is not an http or https address; name the mirror as http://HOST:PORT")
    request = urllib.request.Request(url, headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})  # noqa: S310 (checked above)
    for name, value in headers.items():
        # Unredirected: a token for the registry must not follow a redirect to another host.
        if name == "Authorization":
            request.add_unredirected_header(name, value)
        else:
            request.add_header(name, value)
    host = urlsplit(url).hostname or ""
    proxies: dict[str, str] | None = {} if host in _LOOPBACK else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
    try:
        return cast("http.client.HTTPResponse", opener.open(request, timeout=timeout))
    except urllib.error.HTTPError as error:
        with closing(error):
            body = error.read(2048).decode(errors="replace")
            raise HttpStatus(url, error.code, _lower(error.headers), body) from error


def is_storage(error: BaseException) -> bool:
    """Whether an OSError is about the disk, not the network: no other attempt will help."""
    return isinstance(error, OSError) and error.errno in _STORAGE


def _untrusted(url: str, error: Exception) -> UpstreamRefused:
    return UpstreamRefused(
        f"{url}: its certificate is not trusted here ({_cause(error)}). Where a proxy or mirror has a CA of its own, "
        "name a file with it in SSL_CERT_FILE; otherwise check this computer's clock"
    )


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _cause(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    text = str(reason if reason is not None else error) or type(error).__name__
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended before the file did"
    return text


def refused(error: HttpStatus, what: str) -> UpstreamRefused:
    """An answer that asking again will not change, in words."""
    hint = {
        401: "it asks for a sign-in that roost has not got",
        403: "access is forbidden",
        404: "there is no such file",
    }.get(error.status, "the request was refused")
    return UpstreamRefused(
        f"{what}: {error.url} answered {error.status}: {hint}. Check the version and the architecture, "
        "and that the mirror is complete"
    )
